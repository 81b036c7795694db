/// Byte-pair encoding of one word: of all neighbours that the merges table knows, the pair of the lowest rank (the
/// leftmost of several) becomes one symbol, until none is left.
struct BytePairEncoder {
    struct Merge {
        let rank: Int32
        let id: Int32
    }

    /// Ids of the 256 bytes inside a word, and of the same bytes at its end.
    private let inner: [Int32], last: [Int32]
    private let merges: [UInt64: Merge]

    init(_ vocabulary: TokenizerVocabulary, unknown: Int) {
        inner = ByteSymbols.symbols.map { Int32(vocabulary.ids[String($0)] ?? unknown) }
        last = ByteSymbols.symbols.map { Int32(vocabulary.ids[String($0) + ByteSymbols.wordEnd] ?? unknown) }
        var table = [UInt64: Merge](minimumCapacity: vocabulary.merges.count)
        for (rank, merge) in vocabulary.merges.enumerated() {
            // As a Rust map built in order: a pair listed twice keeps its later rank.
            table[Self.key(Int32(merge.left), Int32(merge.right))] = Merge(rank: Int32(rank), id: Int32(merge.merged))
        }
        merges = table
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Token ids of a word given as its UTF-8 bytes. O(n log n).
    func encode(_ word: [UInt8]) -> [Int] {
        guard let end = word.last else { return [] }
        // A doubly linked list over the word's positions; a position that was merged into its left neighbour is dead.
        var ids = word.dropLast().map { inner[Int($0)] } + [last[Int(end)]]
        var previous = Array(-1..<ids.count - 1), next = Array(1...ids.count)
        var isAlive = [Bool](repeating: true, count: ids.count)
        let count = ids.count
        var queue = MergeQueue()

        func offer(_ position: Int) {
            guard position >= 0, next[position] < count,
                let merge = merges[Self.key(ids[position], ids[next[position]])]
            else { return }
            queue.push(.init(rank: merge.rank, position: Int32(position), id: merge.id))
        }

        for position in 0..<count - 1 { offer(position) }
        while let candidate = queue.pop() {
            let position = Int(candidate.position)
            // The neighbours may have changed since the candidate was queued.
            guard isAlive[position], next[position] < count,
                let merge = merges[Self.key(ids[position], ids[next[position]])], merge.id == candidate.id
            else { continue }
            let absorbed = next[position]
            ids[position] = merge.id
            isAlive[absorbed] = false
            next[position] = next[absorbed]
            if next[position] < count { previous[next[position]] = position }
            offer(previous[position])
            offer(position)
        }
        return ids.indices.filter { isAlive[$0] }.map { Int(ids[$0]) }
    }
}

/// Candidates for a merge, the lowest rank first, then the leftmost: a binary heap.
private struct MergeQueue {
    struct Candidate {
        let rank: Int32, position: Int32, id: Int32

        func comesBefore(_ other: Candidate) -> Bool {
            (rank, position) < (other.rank, other.position)
        }
    }

    private var heap: [Candidate] = []

    mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0, heap[child].comesBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Candidate? {
        guard let first = heap.first else { return nil }
        let moved = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = moved
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return first }
            if child + 1 < heap.count, heap[child + 1].comesBefore(heap[child]) { child += 1 }
            guard heap[child].comesBefore(heap[parent]) else { return first }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
