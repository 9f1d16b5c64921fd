"""What the faces say: histograms of face counts and the census of a domain."""

from polyrelu.shapes.census import Census
from polyrelu.shapes.count import count_faces
from polyrelu.shapes.histogram import FaceHistogram, face_histogram

__all__ = ["Census", "FaceHistogram", "count_faces", "face_histogram"]
