import Layers
import Tensors

/// What a UNet has computed before its first attention.
public struct UNetBeginning {
    /// SiLU of the time embedding, `[N, timeWidth]`, and the prompt, `[N, tokens, promptWidth]`.
    let activatedTime, prompt: Tensor
    let memory: KeyValueMemory?
    /// States for the way up, `[N, H, W, C]` each.
    let skips: [Tensor]
    /// The level with the first attention; the number of levels where none has any.
    let level: Int
    /// What the attention is added to, `[N, H, W, C]`, and what it sees, `[N, H·W, C]`; nil where no level has any.
    let x: Tensor, tokens: Tensor?

    /// The first `count` images of the batch, sharing memory.
    public func first(_ count: Int) -> UNetBeginning {
        precondition(memory == nil && count <= x.shape[0], "UNetBeginning: \(count) of \(x.shape[0]) images")
        if count == x.shape[0] { return self }
        return UNetBeginning(
            activatedTime: activatedTime.rows(0, count), prompt: prompt.rows(0, count), memory: nil,
            skips: skips.map { $0.rows(0, count) }, level: level, x: x.rows(0, count), tokens: tokens?.rows(0, count))
    }
}
