"""Rules by amount: which payment becomes which anomaly is known beforehand."""

RULES = """rules:
  - {id: low, description: "above 100", when: "amount > 100.0", severity: low, decision: allow, score: 0.5}
  - {id: medium, description: "above 1000", when: "amount > 1000.0", severity: medium, decision: review, score: 0.6}
  - {id: high, description: "above 2000", when: "amount > 2000.0", severity: high, decision: review, score: 0.8}
  - {id: critical, description: "above 3000", when: "amount > 3000.0", severity: critical, decision: block, score: 0.99}
"""
DETECTORS = "detectors:\n  rules: {weight: 1.0}\n"
AMOUNTS = {"none": "50.00", "low": "150.00", "medium": "1500.00", "high": "2500.00",
           "critical": "3500.00"}


def settings(program):
    """Writes the files; returns the settings of a server that uses them."""
    program.write("amounts.yaml", RULES)
    program.write("only-rules.yaml", DETECTORS)
    return [f"rules.file={program.folder}/amounts.yaml",
            f"detectors.file={program.folder}/only-rules.yaml", "alerts.dedupe=0s"]
