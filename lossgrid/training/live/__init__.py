"""A view of training as it goes: a process beside it reads the training log and feeds TensorBoard and trackers.

Nothing here decides a result, and `lossgrid.studies.code_identity` leaves the calls into it out: a change of this
package makes no cell out of date.
"""
