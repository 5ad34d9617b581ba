"""The library's models, from the module model_compare that the build makes."""
import ctypes
import os
import tempfile

from safetensors.torch import save_file

PRECISIONS = {"highest": 0, "high": 1, "medium": 2}
SIZE, POINTER = ctypes.c_ssize_t, ctypes.c_void_p


class Batch(ctypes.Structure):
    _fields_ = [("size", SIZE), ("side", SIZE), ("images", POINTER), ("counts", SIZE * 5),
                ("tokens", POINTER * 5)]


class Library:
    def __init__(self, path):
        self.calls = ctypes.CDLL(os.path.abspath(path))
        number, text = ctypes.c_int, ctypes.c_char_p
        for name, result, arguments in [
                ("error", text, []), ("build", text, []), ("model", POINTER, [text, SIZE, text]),
                ("delete", None, [POINTER]), ("pack", ctypes.c_bool, [POINTER, number]),
                ("infer", ctypes.c_bool, [POINTER, POINTER, SIZE, number, POINTER]),
                ("train", ctypes.c_bool, [POINTER, POINTER, SIZE, number, POINTER])]:
            call = getattr(self.calls, "tessera_" + name)
            call.restype, call.argtypes = result, arguments

    def check(self, result):
        if not result:
            raise RuntimeError(self.calls.tessera_error().decode())
        return result

    def build(self):
        """Compiler, flags and instruction set."""
        return self.calls.tessera_build().decode()

    def models(self, preset, weights, precisions, side=224):
        """One model per precision, all with the weights of a PyTorch module."""
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            save_file({name: t.contiguous() for name, t in weights.items()}, file.name)
            return {precision: Model(self, preset, side, file.name, precision)
                    for precision in precisions}


class Model:
    def __init__(self, library, preset, side, file, precision):
        self.library, self.precision = library, PRECISIONS[precision]
        self.work = library.check(
            library.calls.tessera_model(preset.encode(), side, file.encode()))

    def __del__(self):
        if hasattr(self, "work"):
            self.library.calls.tessera_delete(self.work)

    def pack(self):
        self.library.check(self.library.calls.tessera_pack(self.work, self.precision))

    @staticmethod
    def batch(images, tokens):
        batch = Batch(size=images.shape[0], side=images.shape[2], images=images.data_ptr())
        for i, index in enumerate(tokens):
            batch.counts[i], batch.tokens[i] = index.shape[1], index.data_ptr()
        return batch

    def infer(self, images, tokens, threads, out):
        batch = self.batch(images, tokens)
        self.library.check(self.library.calls.tessera_infer(
            self.work, ctypes.byref(batch), threads, self.precision, out.data_ptr()))
        return out

    def train(self, images, tokens, threads):
        batch, loss = self.batch(images, tokens), ctypes.c_float()
        self.library.check(self.library.calls.tessera_train(
            self.work, ctypes.byref(batch), threads, self.precision, ctypes.byref(loss)))
        return loss.value
