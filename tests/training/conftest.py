"""One TensorFlow session for all tests that train in this process."""

from ganas.training.session import prepare_session

prepare_session(threads=1)
