#!/usr/bin/env python3
"""Makes golden.def: rows with labels and what scikit-learn says about them.

Run from this folder with scikit-learn installed: ./make_golden.py > golden.def
Cases cover ties, one-sided scores, negative scores, few frauds, and an order that is exactly wrong.
"""
import numpy as np
import sklearn
from sklearn.metrics import average_precision_score, roc_auc_score


def cases():
    rng = np.random.default_rng(20180401)
    fraud = (rng.random(60) < 0.2).astype(int)
    yield "no_ties", rng.normal(size=60) + fraud, fraud
    yield "many_ties", np.floor(rng.random(60) * 5) / 4 + 0.5 * fraud, fraud
    yield "all_equal", np.full(40, 0.25), (np.arange(40) % 5 == 0).astype(int)
    yield "perfect", np.concatenate([np.linspace(0, 0.4, 30), np.linspace(0.6, 0.9, 6)]), \
        np.concatenate([np.zeros(30), np.ones(6)]).astype(int)
    yield "upside_down", -np.arange(20.0), (np.arange(20) >= 15).astype(int)
    yield "one_fraud", np.array([0.1, 0.4, 0.4, 0.9, 0.3]), np.array([0, 1, 0, 0, 0])
    yield "tiny_scores", np.array([1e-300, 2e-300, 0.0, 5e-324, 1e-300]), np.array([1, 1, 0, 0, 0])
    yield "zero_signs", np.array([0.0, -0.0, -0.0, 0.0, 1.0, -1.0]), np.array([1, 0, 1, 0, 0, 1])


def c_double(value):
    return "-0.0" if value == 0 and np.signbit(value) else repr(float(value))


def main():
    print(f"/* Made by make_golden.py with scikit-learn {sklearn.__version__}. */")
    print("static const double golden_scores[] = {")
    rows, table = 0, []
    labels = []
    for name, score, fraud in cases():
        for i in range(0, len(score), 4):
            print("    " + " ".join(c_double(s) + "," for s in score[i:i + 4]))
        labels.extend(int(f) for f in fraud)
        table.append((name, rows, len(score), roc_auc_score(fraud, score),
                      average_precision_score(fraud, score)))
        rows += len(score)
    print("};\nstatic const unsigned char golden_fraud[] = {")
    for i in range(0, rows, 32):
        print("    " + " ".join(f"{f}," for f in labels[i:i + 32]))
    print("};\nstatic const struct {\n    const char *name;\n    size_t first, count;")
    print("    double auc, average_precision;\n} golden_cases[] = {")
    for name, first, count, auc, ap in table:
        print(f'    {{"{name}", {first}, {count}, {float(auc)!r}, {float(ap)!r}}},')
    print("};")


if __name__ == "__main__":
    main()
