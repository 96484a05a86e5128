"""Prometheus's text, read by the client library."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.console.prometheus_text import counter, gauge, histogram

AWKWARD = 'back\\slash "quoted"\nnext %d %s {a="b"} \0'


def read(lines):
    (family,) = text_string_to_metric_families("".join(lines))
    return family.type, [(sample.name, sample.labels, sample.value) for sample in family.samples]


def test_a_counter_and_a_gauge():
    assert read(counter("a", "What it is.", ["x", "y"], [(("1", "2"), 3), (("", AWKWARD), 0.5)])) == (
        "counter",
        [("a_total", {"x": "1", "y": "2"}, 3.0), ("a_total", {"x": "", "y": AWKWARD}, 0.5)],
    )
    assert read(gauge("b", "What it is.", [], [((), 1e18)])) == ("gauge", [("b", {}, 1e18)])


def test_a_histogram():
    samples = [((AWKWARD,), [1, 2, 4], 0.75)]
    assert read(histogram("h", "What it is.", ["x"], [0.25, 1.0], samples)) == (
        "histogram",
        [
            ("h_bucket", {"x": AWKWARD, "le": "0.25"}, 1.0),
            ("h_bucket", {"x": AWKWARD, "le": "1"}, 2.0),
            ("h_bucket", {"x": AWKWARD, "le": "+Inf"}, 4.0),
            ("h_count", {"x": AWKWARD}, 4.0),
            ("h_sum", {"x": AWKWARD}, 0.75),
        ],
    )


def test_a_histogram_without_labels():
    text = "".join(histogram("h", "What it is.", [], [0.25], [((), [1, 2], 1)]))
    assert text.splitlines()[2:] == ['h_bucket{le="0.25"} 1', 'h_bucket{le="+Inf"} 2', "h_count 2", "h_sum 1"]


def test_one_without_series_is_announced():
    assert "".join(gauge("b", "What it is.", ["x"], [])) == "# HELP b What it is.\n# TYPE b gauge\n"
