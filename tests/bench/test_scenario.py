"""Scenarios: every shipped file reads, and what is wrong in one is said with file, section and key."""

import pytest

from bench.radius_load.plan import Phase
from bench.scenario import FOLDER, Event, ScenarioError, Search, load_scenario, names, read_scenario

LEAST = """
[scenario]
question = Does it work?
[load]
phases = 100x10
mix = passcode=1
"""


def problems(text):
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "mine.ini")
    return caught.value.problems


@pytest.mark.parametrize("name", names())
def test_every_shipped_scenario_reads_and_asks_a_question(name):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.question.endswith("?")
    assert FOLDER.joinpath(f"{name}.ini").read_text().startswith("; ")


def test_what_is_not_said_has_a_default():
    scenario = read_scenario(LEAST, "mine.ini")
    assert scenario.name == "mine"
    assert scenario.load.phases == (Phase(10, 100, 100),)
    assert (scenario.sections, scenario.events, scenario.search) == (1, (), None)
    assert (scenario.expect.lost, scenario.expect.unexpected) == (0, 0)


def test_events_stand_in_order_whatever_the_order_of_the_lines():
    scenario = read_scenario(LEAST + "[events]\n8 = reload\n2.5 = fault kind=status_500 for=3 share=0.5\n", "mine.ini")
    assert [event.at_s for event in scenario.events] == [2.5, 8.0]
    assert str(scenario.events[0]) == "Duo: status 500 for 50% of the calls"
    assert scenario.events[0].for_s == 3.0


def test_two_faults_at_one_instant_stand_in_the_order_of_the_lines():
    text = LEAST + "[events]\n1.0 = fault kind=black_hole for=3\n1 = fault kind=status_500 for=2\n"
    assert [str(event) for event in read_scenario(text, "a.ini").events] == ["Duo: black hole", "Duo: status 500"]


def test_a_line_may_name_two_events():
    scenario = read_scenario(LEAST + "[events]\n4 = kill-worker; fault kind=black_hole for=3\n", "mine.ini")
    assert [(event.at_s, event.kind) for event in scenario.events] == [(4.0, "kill-worker"), (4.0, "fault")]
    (problem,) = problems(LEAST + "[events]\n4 = reload; explode\n")
    assert problem.startswith("mine.ini [events] 4: 'explode' is no event")


def test_the_server_section_says_whether_a_password_is_checked_first():
    text = LEAST.replace("mix", "password = correct horse\nmix") + "[radius_server_auto]\nfailmode = safe\n"
    scenario = read_scenario(text + "[home_server]\ndelay = 0.5\n", "mine.ini")
    assert (scenario.kind, scenario.server, scenario.home_server) == ("auto", {"failmode": "safe"}, {"delay": "0.5"})
    assert scenario.has_first_factor
    assert not read_scenario(LEAST, "mine.ini").has_first_factor


def test_a_directory_may_check_it_in_the_place_of_a_home_server():
    text = LEAST.replace("mix", "password = correct horse\nmix") + "[radius_server_auto]\n[ldap_directory]\n"
    assert read_scenario(text, "mine.ini").directory == {}
    scenario = read_scenario(text + "transport = starttls\ndelay = 0.1\n", "mine.ini")
    assert scenario.directory == {"transport": "starttls", "delay": "0.1"}
    assert read_scenario(LEAST, "mine.ini").directory is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LEAST + "[ldap_directory]\n", "[ldap_directory]: is asked by nobody; write radius_server_auto"),
        (LEAST + "[radius_server_auto]\n[ldap_directory]\n[home_server]\n", "stands beside home_server; keep one"),
        (LEAST + "[radius_server_auto]\n[ldap_directory]\ntransport = tls\n", "write one of ldaps, starttls, clear"),
        (LEAST.replace("mix", "password = x\nmix"), "[load] password: is checked by nobody"),
        (LEAST + "[home_server]\ndelay = 1\n", "[home_server]: is asked by nobody; write radius_server_auto"),
        (LEAST + "[radius_server_auto]\n[radius_server_challenge]\n", "stands beside radius_server_auto; keep one"),
        (LEAST.replace("mix", "answers_challenge = true\nmix"), "a challenge comes after a password"),
    ],
)
def test_a_first_factor_that_cannot_be_played_is_told(text, expected):
    (problem,) = problems(text)
    assert expected in problem


def test_sections_of_the_configuration_are_passed_on_as_they_are():
    scenario = read_scenario(LEAST + "[radius_server_duo_only]\nfailmode = safe\n[gateway]\nmax_pending = 9\n", "a.ini")
    assert scenario.server == {"failmode": "safe"}
    assert scenario.gateway == {"max_pending": "9"}


def test_a_scale_changes_durations_and_no_rates():
    text = LEAST + "[events]\n5 = garbage for=2 rate=1000\n[limit]\nstep_s = 4\n"
    scenario = read_scenario(text, "mine.ini").scaled(0.5)
    assert scenario.load.phases == (Phase(5, 100, 100),)
    assert scenario.events == (Event(2.5, "garbage", for_s=1.0, rate=1000.0),)
    assert scenario.search == Search(step_s=2.0)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("[evnts]\n", "mine.ini [evnts]: is not known; there are scenario, gateway"),
        ("[events]\n3 = explode\n", "mine.ini [events] 3: 'explode' is no event; there are kill-worker"),
        ("[events]\nsoon = reload\n", "mine.ini [events] soon: 'soon': write a number"),
        ("[events]\n10 = reload\n", "mine.ini [events] 10: the last login begins before that, after 10 s"),
        ("[events]\n3 = garbage for=2\n", "mine.ini [events] 3: garbage needs rate="),
        ("[events]\n3 = garbage for=2 rate=0\n", "mine.ini [events] 3: write a number above 0"),
        ("[events]\n3 = reload for=2\n", "mine.ini [events] 3: reload has no for"),
        (
            "[events]\n3 = fault for=2 kind=asleep\n",
            "mine.ini [events] 3: 'asleep' is no fault; there are refuse, black_hole",
        ),
        ("[events]\n3 = fault for=2 kind=status_500 share=7\n", "mine.ini [events] 3: share: above 0, and 1 at most"),
        ("[events]\n3 = fault drop\n", "mine.ini [events] 3: 'drop': write NAME=VALUE"),
        ("[events]\n3 =\n", "mine.ini [events] 3: '' is no event"),
        ("[expect]\nlost = few\n", "mine.ini [expect] lost: 'few': write a whole number, or any"),
        ("[expect]\nfound = 1\n", "mine.ini [expect] found: is not known; there are lost, unexpected"),
        ("[directories]\nsections = 0\n", "mine.ini [directories] sections: '0': write a whole number above 0"),
        ("[duo]\napproval = soon\n", "mine.ini [duo] approval: 'soon' is no distribution: write constant:S"),
        ("[limit]\np99_s = -1\n", "mine.ini [limit] p99_s: '-1': write a number, 0 or above"),
    ],
)
def test_a_problem_names_file_section_and_key(more, problem):
    (found,) = problems(LEAST + more)
    assert found.startswith(problem)


def test_all_problems_are_told_at_once():
    found = problems("[load]\nphases = fast\n[events]\n1 = x\n")
    assert [line.partition(":")[0] for line in found] == [
        "mine.ini [scenario]",
        "mine.ini [load]",
        "mine.ini [events] 1",
    ]


def test_a_load_that_is_not_said_is_a_problem():
    assert problems("[scenario]\nquestion = a?\n")[0] == "mine.ini [load]: is missing"


def test_what_is_no_ini_file_is_one_problem():
    (found,) = problems("phases = 100x10")
    assert found.startswith("mine.ini: File contains no section headers")


def test_a_scenario_that_is_not_there_names_those_that_are():
    with pytest.raises(ScenarioError, match="write one of challenge, directory, duo-brownout"):
        load_scenario("nothing")
