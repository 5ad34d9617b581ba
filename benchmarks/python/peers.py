"""The peers of compare.py: PyTorch in its settings, ONNX Runtime, OpenVINO.

Every function gives {name: call}. Inference runs under inference_mode; torch.compile with freezing,
which folds and reorders the weights as oneDNN likes them. bfloat16 is autocast, or (bf16) a model
whose weights are bfloat16 throughout.
"""
import contextlib
import copy
import tempfile

import torch

NAMES = ["eager", "compile", "bf16"]


def autocast(medium):
    return torch.autocast("cpu", torch.bfloat16) if medium else contextlib.nullcontext()


def compiled(call):
    return torch.compile(call, dynamic=False)


def torch_inference(module, images, tokens, medium, names):
    def call(model, images, medium):
        def run():
            with torch.inference_mode(), autocast(medium):
                return model(images, *tokens)
        return run

    torch._inductor.config.freezing = True
    wanted = {"eager": module, "compile": compiled(module)}
    kind = "autocast, " if medium else ""
    peers = {kind + name: call(model, images, medium) for name, model in wanted.items()
             if name in names}
    if medium and "bf16" in names:
        half = copy.deepcopy(module).to(torch.bfloat16)
        wanted = {"eager": half, "compile": compiled(half)}
        peers |= {"bfloat16, " + name: call(model, images.to(torch.bfloat16), False)
                  for name, model in wanted.items() if name in names}
    return peers


def torch_training(module, images, tokens, medium, names, second_beta):
    """Steps of copies of module: forward, backward, AdamW, and the moving average if it has one."""
    def call(name):
        model = copy.deepcopy(module)
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            [{"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
             {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0}],
            lr=1e-4, betas=(0.9, second_beta), fused=True)
        loss_of = compiled(model.loss) if name == "compile" else model.loss

        def step():
            optimizer.zero_grad(set_to_none=True)
            with autocast(medium):
                loss = loss_of(images, *tokens)
            loss.backward()
            optimizer.step()
            if hasattr(model, "follow"):
                model.follow(0.996)
            return loss.item()
        return step

    torch._inductor.config.freezing = False
    kind = "autocast, " if medium else ""
    return {kind + name: call(name) for name in ["eager", "compile"] if name in names}


def onnx_file(module, images, path):
    # The exporter that needs no package but onnx.
    torch.onnx.export(module, (images,), path, dynamo=False, opset_version=17,
                      input_names=["images"], output_names=["tokens"])


def onnx_runtime(path, images, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Its threads spin while it runs, and must not while another is measured.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def openvino(path, images, threads):
    import openvino as ov

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
                "INFERENCE_PRECISION_HINT": "f32"}  # its default on AMX is bfloat16
    request = ov.Core().compile_model(path, "CPU", settings).create_infer_request()

    def run():
        result = request.infer({"images": images.numpy()}, share_inputs=True, share_outputs=True)
        return torch.from_numpy(result["tokens"])
    return run


def runtimes(module, images, threads):
    """Both from one ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/model.onnx"
        onnx_file(module, images, path)
        return {"ONNX Runtime": onnx_runtime(path, images, threads),
                "OpenVINO": openvino(path, images, threads)}
