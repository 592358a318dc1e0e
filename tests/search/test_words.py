import pytest

from ganas.errors import ConfigError
from ganas.search.genes import Choice, FloatRange, IntegerRange
from ganas.search.words import activation, flag, name, number, read_gene, share, whole_number

UNITS = whole_number(1)
RATE = number(0, 1)


def test_one_value_is_a_fixed_gene() -> None:
    assert read_gene("units", 64, UNITS).values == (64,)


def test_a_list_is_a_choice_and_of_rising_numbers_an_ordered_one() -> None:
    assert read_gene("units", [16, 32], UNITS) == Choice([16, 32], ordered=True)
    assert read_gene("units", [32, 16], UNITS) == Choice([32, 16])
    assert read_gene("activation", ["relu", "tanh"], activation()) == Choice(["relu", "tanh"])
    assert read_gene("batch_normalization", [False, True], flag()) == Choice([False, True])


def test_a_table_with_choice_says_whether_it_is_ordered() -> None:
    spec = {"choice": ["small", "large"], "ordered": True}
    assert read_gene("size", spec, name()) == Choice(["small", "large"], ordered=True)
    assert not read_gene("units", {"choice": [16, 32], "ordered": False}, UNITS).is_ordered


def test_a_table_with_range_is_a_range_of_the_keys_own_type() -> None:
    assert read_gene("units", {"range": [8, 128], "log": True}, UNITS) == IntegerRange(8, 128, log=True)
    assert read_gene("units", {"range": [8, 128], "step": 8}, UNITS) == IntegerRange(8, 128, step=8)
    assert read_gene("dropout", {"range": [0, 0.5], "step": 0.1}, RATE) == FloatRange(0.0, 0.5, step=0.1)


def test_whole_numbers_of_a_key_of_numbers_become_floats() -> None:
    assert [type(value) for value in read_gene("dropout", [0, 0.5], RATE).values] == [float, float]


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("many", UNITS, 'must be a whole number of at least 1, got "many"'),
        (0, UNITS, "must be a whole number of at least 1, got 0"),
        (2.5, UNITS, "must be a whole number of at least 1, got 2.5"),
        (True, UNITS, "must be a whole number of at least 1, got true"),
        (1.0, RATE, "must be a number of at least 0 and below 1, got 1.0"),
        (1.5, share(), "must be a number in [0, 1], got 1.5"),
        (0, number(0, is_open=True), "must be a number above 0, got 0"),
        ([], UNITS, "expected choice = [...] with at least one value, got []"),
        ([8, 8], UNITS, "a choice must not name a value twice, got [8, 8]"),
        ([8, "x"], UNITS, 'must be a whole number of at least 1, got "x"'),
        ({"range": [8]}, UNITS, "expected range = [low, high], got [8]"),
        ({"range": [9, 8]}, UNITS, "a range needs low <= high, got 9 > 8"),
        ({"range": [8, 16], "log": 1}, UNITS, "log: must be true or false, got 1"),
        ({"range": [8, 16], "step": 0}, UNITS, "step: must be a whole number of at least 1, got 0"),
        ({"range": [0, 1], "log": True}, number(0), "a range in log space needs low > 0, got 0.0"),
        ({"range": ["relu", "tanh"]}, activation(), "a range needs numbers"),
        ({"rnge": [8, 16]}, UNITS, "rnge: unknown key; did you mean range?"),
        ({"range": [8, 16], "ordered": True}, UNITS, "ordered: unknown key; known are range, log, step"),
        ({"choice": [8, 16], "ordered": "yes"}, UNITS, 'ordered: must be true or false, got "yes"'),
        ("rleu", activation(), "(activation 'rleu': unknown)"),
        ("softmax", activation(), "must be an activation of hidden layers"),
        ("relu(3)", activation(), "takes no parameter"),
        (["relu", "celu(0)"], activation(), "the alpha of celu must not be 0"),
        ("leaky_relu(-0.1)", activation(), "the slope of leaky_relu must be at least 0"),
        ("adma", name("adam", "sgd"), 'must be one of adam, sgd, got "adma"'),
        ("yes", flag(), 'must be true or false, got "yes"'),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused_in_one_line_that_names_the_key(
    spec: object, kind: object, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_gene("[search] key", spec, kind)  # type: ignore[arg-type]
    assert str(caught.value).startswith("[search] key")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name_of_one", ["elu(1e400)", "leaky_relu(-1e999)"])
def test_a_parameter_beyond_the_largest_number_is_refused(name_of_one: str) -> None:
    with pytest.raises(ConfigError, match="must be finite") as caught:
        read_gene("[search] activation", ["relu", name_of_one], activation())
    assert "\n" not in str(caught.value)
