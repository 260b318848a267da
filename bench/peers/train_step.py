"""The training step of a joint U-ViT in PyTorch fp32: the peer of `npm run bench -- train`.

Post-norm blocks with long skips, erf GELU, AdamW, gradient clipping and an exponential moving average, as in Duet's
recorded step. Reads one line per step from standard input and answers with the milliseconds that the step took, so that
the two sides can take turns in one run.

usage: train_step.py WIDTH DEPTH HEADS BATCH TOKENS THREADS
"""
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, skip):
        super().__init__()
        self.heads = heads
        self.skip = nn.Linear(2 * width, width) if skip else None
        self.norm1 = nn.LayerNorm(width) if skip else None
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, x, skip=None):
        if self.skip is not None:
            x = self.norm1(self.skip(torch.cat([x, skip], -1)))
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d)
        x = self.norm2(x + self.proj(attended))
        return self.norm3(x + self.fc2(F.gelu(self.fc1(x))))


class Net(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        half = depth // 2
        self.ins = nn.ModuleList(Block(width, heads, False) for _ in range(half))
        self.mid = Block(width, heads, False)
        self.outs = nn.ModuleList(Block(width, heads, True) for _ in range(half))

    def forward(self, x):
        stack = []
        for block in self.ins:
            x = block(x)
            stack.append(x)
        x = self.mid(x)
        for block in self.outs:
            x = block(x, stack.pop())
        return x


def main():
    width, depth, heads, batch, tokens, threads = map(int, sys.argv[1:7])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = Net(width, depth, heads)
    average = [p.detach().clone() for p in net.parameters()]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.03)
    x, target = torch.randn(batch, tokens, width), torch.randn(batch, tokens, width)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.mse_loss(net(x), target).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(net.parameters()), 0.01)

    step()
    print(f"ready {sum(p.numel() for p in net.parameters())} torch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(1000 * (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
