"""What was derived elsewhere from the same conversation, taken over instead of made again."""

from dataclasses import replace

from ragthrift.memory.state import ViewState
from ragthrift.memory.transcript import Transcript


def adopted(transcript: Transcript, session: str, given: ViewState) -> bool:
    """Keep what the transcript lacks of a given state, and lose nothing; whether it lacked any.

    False, too, while a summary is under way: it would be lost if the state changed meanwhile.
    """
    own = transcript.state(session)
    if _joined(transcript, session, given, own) == own:
        return False
    with transcript.lock(session) as held:
        if not held:
            return False
        own = transcript.state(session)
        joined = replace(_joined(transcript, session, given, own), version=own.version + 1)
        return transcript.save_view(session, joined)


def _joined(transcript: Transcript, session: str, given: ViewState, own: ViewState) -> ViewState:
    """Those that were given come first: of two that stand for the same turns, all take the same."""
    known = {segment.id for segment in given.segments}
    added = [segment for segment in own.segments if segment.id not in known]
    marks = [state.clipped for state in (given, own) if state.clipped]
    if len(set(marks)) > 1:
        places = {turn.id: n for n, turn in enumerate(transcript.load(session).turns)}
        marks.sort(key=lambda mark: places.get(mark, -1), reverse=True)
    return ViewState(own.version, (*given.segments, *added), marks[0] if marks else "")
