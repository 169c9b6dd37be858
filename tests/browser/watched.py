"""A page of a browser that is watched for what it must not do."""


class Watched:
    """A page that notes what must not be: errors, warnings, requests for anything but itself.

    Args:
        context: Of the browser.
    """

    def __init__(self, context):
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note_request)

    def open(self, file, fragment: str = "") -> None:
        """Load a file."""
        self.own = file.as_uri()
        self.page.goto(self.own + fragment)

    def _note_request(self, request) -> None:
        if request.url.partition("#")[0] != self.own and not request.url.startswith("data:"):
            self.complaints.append(f"request: {request.url}")
