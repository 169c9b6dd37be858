"""The loss explorer: any losses over the margin, with their hyper-parameters on sliders."""
