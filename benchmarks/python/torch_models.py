"""The models of compare.py for PyTorch, with the names of timm and of the published code."""

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, length, dim = x.shape
        q, k, v = self.qkv(x).reshape(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, length, dim))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


def rows(x, index):
    """Rows index [B, K] of x [B, L, D] or [1, L, D]."""
    x = x.expand(index.shape[0], -1, -1)
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.shape[2]))


def table(length, dim):
    return nn.Parameter(torch.randn(1, length, dim) * 0.5, requires_grad=False)


class Encoder(nn.Module):
    """A ViT, with a class token if asked for. keep [B, K]: which tokens go on."""

    def __init__(self, dim, depth, heads, class_token, patch=16, side=224):
        super().__init__()
        if class_token:
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.class_token = class_token
        self.pos_embed = table((side // patch) ** 2 + class_token, dim)
        self.patch_embed = PatchEmbed(dim, patch)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def embed(self, images, keep):
        x = self.patch_embed(images)
        if self.class_token:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.pos_embed
        return x if keep is None else rows(x, keep)

    def forward(self, images, keep=None):
        x = self.embed(images, keep)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class MAE(Encoder):
    """A ViT/16 with the decoder of the paper: 8 blocks of width 512."""

    def __init__(self, dim, depth, heads):
        super().__init__(dim, depth, heads, True)
        self.decoder_embed = nn.Linear(dim, 512)
        self.mask_token = nn.Parameter(torch.randn(1, 1, 512) * 0.02)
        self.decoder_pos_embed = table(197, 512)
        self.decoder_blocks = nn.ModuleList(Block(512, 16) for _ in range(8))
        self.decoder_norm = nn.LayerNorm(512, eps=1e-6)
        self.decoder_pred = nn.Linear(512, 768)

    def forward(self, images, keep, mask):
        """As the published code: all places are decoded; the predictions of the masked ones."""
        latent = self.decoder_embed(super().forward(images, keep))
        full = self.mask_token.expand(images.shape[0], 197, -1)
        full = full.to(latent.dtype).scatter(1, keep.unsqueeze(-1).expand(-1, -1, 512), latent)
        x = full + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        return rows(self.decoder_pred(self.decoder_norm(x)), mask)

    def loss(self, images, keep, mask):
        patches = images.reshape(-1, 3, 14, 16, 14, 16).permute(0, 2, 4, 3, 5, 1)
        target = rows(patches.reshape(images.shape[0], 196, 768), mask - 1)
        return F.mse_loss(self(images, keep, mask).float(), target)


class Predictor(nn.Module):
    def __init__(self, dim, inner, depth, heads, places):
        super().__init__()
        self.predictor_embed = nn.Linear(dim, inner)
        self.mask_token = nn.Parameter(torch.randn(1, 1, inner) * 0.02)
        self.predictor_pos_embed = table(places, inner)
        self.predictor_blocks = nn.ModuleList(Block(inner, heads) for _ in range(depth))
        self.predictor_norm = nn.LayerNorm(inner, eps=1e-6)
        self.predictor_proj = nn.Linear(inner, dim)

    def forward(self, x, context, targets):
        """As the published code: the targets of an image are rows of one larger batch."""
        x = self.predictor_embed(x) + rows(self.predictor_pos_embed, context)
        asked = torch.cat([rows(self.predictor_pos_embed, t) for t in targets]) + self.mask_token
        x = torch.cat([x.repeat(len(targets), 1, 1), asked], 1)
        for block in self.predictor_blocks:
            x = block(x)
        return self.predictor_proj(self.predictor_norm(x)[:, context.shape[1]:])


class IJEPA(nn.Module):
    """Encoder, and predictor of width 384 with 12 blocks and the encoder's heads."""

    def __init__(self, dim, depth, heads, patch):
        super().__init__()
        self.encoder = Encoder(dim, depth, heads, False, patch)
        self.predictor = Predictor(dim, 384, 12, heads, (224 // patch) ** 2)

    def forward(self, images, context, *targets):
        return self.predictor(self.encoder(images, context), context, targets)


class TrainedIJEPA(IJEPA):
    """With the frozen target encoder."""

    def __init__(self, dim, depth, heads, patch):
        super().__init__(dim, depth, heads, patch)
        self.target_encoder = Encoder(dim, depth, heads, False, patch)
        self.target_encoder.load_state_dict(self.encoder.state_dict())
        self.target_encoder.requires_grad_(False)

    def loss(self, images, context, *targets):
        with torch.no_grad():
            features = self.target_encoder(images)
            features = F.layer_norm(features, features.shape[-1:])
            features = torch.cat([rows(features, target) for target in targets])
        return F.smooth_l1_loss(self(images, context, *targets).float(), features.float())

    @torch.no_grad()
    def follow(self, momentum):
        for average, source in zip(self.target_encoder.parameters(), self.encoder.parameters()):
            average.lerp_(source, 1 - momentum)


SIZES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16),
         "huge": (1280, 32, 16)}  # width, blocks, heads


def patch_of(preset):
    return int(preset.rpartition("_patch")[2])


def make(preset, side=224, training=False):
    """A model by the name of the library's preset, with random weights."""
    size = SIZES[preset.split("vit_")[1].split("_")[0]]
    if preset.startswith("mae_"):
        return fill(MAE(*size), 1)
    if preset.startswith("ijepa_"):
        return fill((TrainedIJEPA if training else IJEPA)(*size, patch_of(preset)), 1)
    return fill(Encoder(*size, True, patch_of(preset), side), 1)


def fill(module, seed):
    """Weights that make every part of the output count: none is zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return module
