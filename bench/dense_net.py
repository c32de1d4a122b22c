#!/usr/bin/env python3
"""The autoencoder beside ONNX Runtime on the same net and rows: equal results first, then times.

Usage: dense_net.py BENCH_DENSE_NET

The net and 4,096 rows come from the bench program; ONNX Runtime runs them on one thread, through its
Python interface (a few microseconds a call, which only count where a call is one row). Packages that
are not there are installed into .cache/bench, apart from those of the tests.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / ".cache" / "bench-python"
ROWS, COLUMNS, HIDDEN, CODE, LANES = 4096, 16, 32, 8, 16


def peers():
    if not (PEERS / "onnxruntime").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", PEERS, "-r",
                        ROOT / "bench" / "requirements.txt"], check=True)
    sys.path.insert(0, str(PEERS))
    import numpy
    import onnx
    import onnxruntime
    return numpy, onnx, onnxruntime


def graph(np, onnx, path, weights):
    """struct tt_net_layers as a chain of Gemm and Relu."""
    shapes = [("in", COLUMNS, HIDDEN, HIDDEN), ("code", HIDDEN, LANES, CODE),
              ("open", CODE, HIDDEN, HIDDEN), ("out", HIDDEN, COLUMNS, COLUMNS)]
    helper, tensors, nodes, at, value = onnx.helper, [], [], 0, "x"
    for name, inputs, outputs, used in shapes:
        matrix = weights[at:at + inputs * outputs].reshape(inputs, outputs)[:, :used]
        at += inputs * outputs
        bias = weights[at:at + outputs][:used]
        at += outputs
        tensors += [onnx.numpy_helper.from_array(np.ascontiguousarray(matrix), name + "_w"),
                    onnx.numpy_helper.from_array(np.ascontiguousarray(bias), name + "_b")]
        nodes.append(helper.make_node("Gemm", [value, name + "_w", name + "_b"], [name]))
        value = name
        if name in ("in", "open"):
            nodes.append(helper.make_node("Relu", [name], [name + "_r"]))
            value = name + "_r"
    kind = onnx.TensorProto.FLOAT
    model = helper.make_model(helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", kind, [None, COLUMNS])],
        [helper.make_tensor_value_info("out", kind, [None, COLUMNS])], tensors),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def best(run, times):
    result = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        run()
        result = min(result, time.perf_counter() - began)
    return result


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    program = pathlib.Path(sys.argv[1]).resolve()
    try:
        np, onnx, onnxruntime = peers()
    except (ImportError, subprocess.CalledProcessError):
        subprocess.run([program], check=True)
        print("peer absent: onnxruntime")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = [folder / "net", folder / "rows", folder / "rebuilt"]
        printed = subprocess.run([program, *files], check=True, capture_output=True,
                                 text=True).stdout
        print(printed, end="")
        rows = np.fromfile(files[1], dtype=np.float32).reshape(ROWS, COLUMNS)
        rebuilt = np.fromfile(files[2], dtype=np.float32).reshape(ROWS, COLUMNS)
        graph(np, onnx, folder / "net.onnx", np.fromfile(files[0], dtype=np.float32))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(folder / "net.onnx", options,
                                               providers=["CPUExecutionProvider"])
        np.testing.assert_allclose(session.run(None, {"x": rows})[0], rebuilt, rtol=1e-3, atol=1e-3)
        one, many = rows[:1].copy(), rows
        alone = best(lambda: session.run(None, {"x": one}), 5000) * 1e9
        batch = best(lambda: session.run(None, {"x": many}), 300) * 1e9 / ROWS
    fastest = printed.splitlines()[-2].split()
    ours_alone, ours_batch = float(fastest[3].rstrip(",")), float(fastest[-4])
    print(f"ONNX Runtime {onnxruntime.__version__}: one row {alone:.0f} ns, in a batch {batch:.1f} ns"
          f" a row")
    print(f"  one row {alone / ours_alone:6.1f} x (20 or more; its C interface takes about 2,400 ns)"
          f"   batch {batch / ours_batch:5.2f} x (1 or more)")


main()
