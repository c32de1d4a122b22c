"""Lists of rules in files beside the rule file: small, wrong, and a million entries."""

import pytest

HEAD = "rules:\n  - {id: listed, when: merchant_id in blocked, tests: [%s]}\n"
TESTS = "{given: {merchant_id: m-%s}, expect: fire}, {given: {merchant_id: m-none}, expect: pass}"


def write(program, lists, last):
    (program.folder / "rules.yaml").write_text(f"lists:\n  blocked: {lists}\n" + HEAD % (TESTS % last))


def test_a_list_of_a_million_lines_is_read_and_asked(program):
    (program.folder / "blocked.txt").write_text("# known bad\n\n" + "".join(f"m-{i}\n" for i in range(1_000_000)))
    write(program, "{file: blocked.txt}", 999_999)
    result = program.run("rules", "test", "rules.yaml", code=0, timeout=300)
    assert "2 tests passed, 0 failed; 100.0 %" in result.text


def test_one_entry_more_is_too_many(program):
    (program.folder / "blocked.txt").write_text("".join(f"m-{i}\n" for i in range(1_000_001)))
    write(program, "{file: blocked.txt}", 0)
    result = program.run("rules", "check", "rules.yaml", code=1, timeout=300)
    assert "rules.yaml:2:12: blocked.txt: a list of more than 1000000 entries" in result.err


def test_a_column_of_a_table_is_a_list(program):
    (program.folder / "blocked.csv").write_text('name,merchant_id\n"a, b",m-1\nc,m-2\n')
    write(program, "{file: blocked.csv, column: merchant_id}", 2)
    program.run("rules", "test", "rules.yaml", code=0)


@pytest.mark.parametrize("lists, text, says", [
    ("{file: gone.txt}", None, "gone.txt"),
    ("{file: blocked.txt, column: merchant_id}", "a,b\n1,2\n", 'there is no column "merchant_id"'),
    ("{file: blocked.txt, column: a}", "a,b\n1\n", "line 2: too few fields"),
    ("{file: blocked.txt, type: number}", "1\nx\n", 'entry 2 of "blocked.txt" is not a number'),
])
def test_what_is_wrong_with_a_list_is_told_with_its_place(program, lists, text, says):
    if text is not None:
        (program.folder / "blocked.txt").write_text(text)
    write(program, lists, 1)
    result = program.run("rules", "check", "rules.yaml", code=1)
    assert "rules.yaml:2:12: " in result.err and says in result.err


def test_the_rules_commands_know_the_base_currency(program):
    program.write("telltale.yaml", "money: {base_currency: EUR, exchange_rates: {USD: 0.5}}\n")
    program.write("rules.yaml", "rules:\n  - {id: dear, description: dear, when: amount_base > 100.0, severity: high, "
                  "decision: review, score: 0.9, tests: [{given: {amount_base: 200}, expect: fire}, "
                  "{given: {amount_base: 2}, expect: pass}]}\n")
    for command in ("check", "test", "explain"):
        program.run("rules", command, "rules.yaml", "--config", "telltale.yaml", code=0)
