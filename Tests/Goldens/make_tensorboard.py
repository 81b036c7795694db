"""tensorboard/events.tfevents: an event file as TensorBoard's own writer makes it.

    python make_tensorboard.py

Made with tensorboard 2.20: all with wall time 1234.5; the version, at step 1 and 300 the scalars loss (0.25, step 300: 0.125)
and lr (1e-4), at step 300 the picture validation/00 (its bytes are "PNG?", 3 × 2).
"""
import os

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    os.makedirs(f"{HERE}/tensorboard", exist_ok=True)

    def scalars(step, loss):
        values = [Summary.Value(tag="loss", simple_value=loss), Summary.Value(tag="lr", simple_value=1e-4)]
        return Event(wall_time=1234.5, step=step, summary=Summary(value=values))
    picture = Summary.Image(height=2, width=3, colorspace=3, encoded_image_string=b"PNG?")
    events = [Event(wall_time=1234.5, file_version="brain.Event:2"), scalars(1, 0.25), scalars(300, 0.125),
              Event(wall_time=1234.5, step=300, summary=Summary(value=[Summary.Value(tag="validation/00", image=picture)]))]
    with open(f"{HERE}/tensorboard/events.tfevents", "wb") as f:
        writer = RecordWriter(f)
        for event in events:
            writer.write(event.SerializeToString())


if __name__ == "__main__":
    main()
