@testable import Tensors
import Testing

/// How the tape behaves, whatever is recorded on it.
@Suite(.serialized) struct TapeTests {
    private func block(_ adapter: LowRank) -> (Tensor) -> Tensor {
        let weight = random([6, 6], 1)
        return { x in (x.linear(weight, adapter: adapter) + x).silu() }
    }

    private func adapter(_ seed: UInt64) -> LowRank {
        LowRank(down: Parameter(random([2, 6], seed)), up: Parameter(random([6, 2], seed + 1)), scale: 0.5)
    }

    @Test func aSharedInputCollectsFromEveryUse() {
        let p = Parameter(random([4], 1)), x = p.tensor * 3
        // y = 3p·2 + 3p + silu(3p): 6 + 3 + 3·silu′(3p)
        (x * 2 + x + x.silu()).backward(seed: Tensor([1, 1, 1, 1], shape: [4]))
        let q = Parameter(random([4], 1))
        (q.tensor * 3).silu().backward(seed: Tensor([1, 1, 1, 1], shape: [4]))
        for (got, slope) in zip(p.gradient!.values, q.gradient!.values) { #expect(abs(got - (9 + slope)) < 1e-5) }
    }

    @Test func gradientsAddUpUntilTheyAreZeroed() {
        let p = Parameter(random([5], 1)), seed = random([5], 2)
        for _ in 0..<3 { (p.tensor * 2).backward(seed: seed) }
        for (got, s) in zip(p.gradient!.values, seed.values) { #expect(abs(got - 6 * s) < 1e-5) }
        p.zeroGradient()
        #expect(p.gradient == nil)
        (p.tensor * 2).backward(seed: seed)
        #expect(p.gradient!.values == seed.values.map { 2 * $0 })
    }

    /// A gradient that passes through unchanged may share the seed's memory; adding to it must not write there.
    @Test func accumulationLeavesTheSeedAlone() {
        let p = Parameter(random([2, 3], 1)), constant = random([2, 3], 2)
        let whole = random([6, 3], 3), before = whole.values
        for row in [0, 2, 4] { (p.tensor + constant).backward(seed: whole.rows(row, 2)) }
        #expect(whole.values == before)
        for i in 0..<6 { #expect(abs(p.gradient!.values[i] - (before[i] + before[6 + i] + before[12 + i])) < 1e-5) }
        let seed = random([2, 3], 4), kept = seed.values
        for _ in 0..<2 { (p.tensor + constant).backward(seed: seed) }
        #expect(seed.values == kept)
    }

    @Test func deepChainsAreDroppedInALoop() {
        let p = Parameter(random([1], 1))
        do {
            var x = p.tensor
            for _ in 0..<100_000 { x = x * 1 }
            #expect(x.isTracked)
        }
        do {
            // Every node reaches the one before it twice.
            var x = p.tensor
            for _ in 0..<100_000 { x = x + x }
            #expect(x.isTracked)
        }
        #expect(p.gradient == nil)
        var x = p.tensor
        for _ in 0..<100_000 { x = x * 1 }
        x.backward()
        #expect(p.gradient!.values == [1])
    }

    @Test func checkpointEqualsPlain() {
        for wanted in [false, true] {
            let input = Parameter(random([3, 6], 1)), seed = random([3, 6], 2)
            func gradients(_ run: (Tensor, [LowRank]) -> Tensor) -> [[Float]?] {
                let adapters = [adapter(3), adapter(5)]
                input.zeroGradient()
                run(wanted ? input.tensor : input.value, adapters).backward(seed: seed)
                return [input.gradient?.values] + adapters.flatMap { [$0.down.gradient?.values, $0.up.gradient?.values] }
            }
            let plain = gradients { block($1[1])(block($1[0])($0)) }
            #expect(plain.dropFirst().allSatisfy { $0 != nil } && (plain[0] != nil) == wanted)
            let each = gradients { x, a in checkpoint(checkpoint(x, block(a[0])), block(a[1])) }
            #expect(each == plain)
            let nested = gradients { x, a in checkpoint(x) { checkpoint($0, block(a[0])) + checkpoint($0, block(a[1])) * 0.5 } }
            let open = gradients { x, a in block(a[0])(x) + block(a[1])(x) * 0.5 }
            // Sums of two are made in another order.
            for (a, b) in zip(nested, open) {
                #expect((a == nil) == (b == nil))
                for (v, w) in zip(a ?? [], b ?? []) { #expect(abs(v - w) <= 1e-5 * max(1, abs(w))) }
            }
        }
    }

    @Test func checkpointWithNothingTrainableIsNotRecorded() {
        let y = checkpoint(random([2, 6], 1)) { $0.silu() }
        #expect(!y.isTracked)
    }

    @Test func nothingIsRecordedWhilePaused() {
        let p = Parameter(random([3], 1))
        let (inner, nested) = Tape.paused { (p.tensor.silu(), Tape.paused { p.tensor * 2 }) }
        #expect(!inner.isTracked && !nested.isTracked)
        #expect((p.tensor * 2).isTracked)
        struct Stop: Error {}
        #expect(throws: Stop.self) { try Tape.paused { throw Stop() } }
        #expect((p.tensor * 2).isTracked)
        let y = Tape.paused { checkpoint(p.tensor) { $0 * 2 } }
        #expect(!y.isTracked)
    }

    @Test func onlyWhatAParameterTouchesIsTracked() {
        let p = Parameter(random([2, 3], 1)), x = random([2, 3], 2)
        #expect(!(x + x).isTracked && (x + p.tensor).isTracked && !(x + p.tensor).detached.isTracked && !p.tensor.columns(0, 1).isTracked)
        // Frozen inputs get no gradient, and nobody asks for one.
        (x.concatenated(p.tensor)).backward(seed: random([2, 6], 3))
        #expect(p.gradient!.values == random([2, 6], 3).columns(3, 3).values)
    }

    /// A second pass over what a first one has used up would lose gradients without a word.
    @Test func aSecondPassTraps() async {
        await #expect(processExitsWith: .failure) {
            let p = Parameter(random([1], 1)), y = p.tensor * 2
            y.backward()
            y.backward()
        }
        await #expect(processExitsWith: .failure) {
            let p = Parameter(random([1], 1)), h = p.tensor * 2
            let one = h * 3, other = h * 4
            one.backward()
            other.backward()
        }
        await #expect(processExitsWith: .failure) {
            (Parameter(random([2], 1)).tensor * 2).backward()
        }
    }
}
