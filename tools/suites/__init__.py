"""The test suites that script/test runs, each a function from a Context to an Outcome."""
