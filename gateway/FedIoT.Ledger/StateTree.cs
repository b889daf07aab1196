using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>
/// The Merkle tree over all state entries, sorted by key. A new tree shares no array with the old one but hashes
/// only what changed: an update its path, an insertion everything to its right. Immutable. Entries are never removed.
/// </summary>
internal sealed class StateTree
{
    private readonly StateKey[] keys;
    private readonly Hash256[][] levels; // levels[0] = leaves, the last level has one node

    private StateTree(StateKey[] keys, Hash256[][] levels)
    {
        this.keys = keys;
        this.levels = levels;
    }

    public static StateTree Empty { get; } = new([], []);

    public Hash256 Root => keys.Length == 0 ? MerkleTree.EmptyRoot : levels[^1][0];

    /// <summary>Sets leaves; the dictionary's order is that of the keys.</summary>
    public StateTree With(SortedDictionary<StateKey, Hash256> leafChanges)
    {
        if (leafChanges.Count == 0)
        {
            return this;
        }

        var newKeys = new List<StateKey>(keys.Length + leafChanges.Count);
        var leaves = new List<Hash256>(keys.Length + leafChanges.Count);
        var dirty = new List<int>();
        int firstInserted = int.MaxValue;
        int old = 0;
        foreach ((StateKey key, Hash256 leaf) in leafChanges)
        {
            for (; old < keys.Length && keys[old] < key; old++)
            {
                newKeys.Add(keys[old]);
                leaves.Add(levels[0][old]);
            }

            if (old < keys.Length && keys[old] == key)
            {
                old++;
            }
            else
            {
                firstInserted = Math.Min(firstInserted, newKeys.Count);
            }

            dirty.Add(newKeys.Count);
            newKeys.Add(key);
            leaves.Add(leaf);
        }

        for (; old < keys.Length; old++)
        {
            newKeys.Add(keys[old]);
            leaves.Add(levels[0][old]);
        }

        return new StateTree([.. newKeys], Rehash([.. leaves], dirty, firstInserted));
    }

    public InclusionProof? Prove(StateKey key)
    {
        int index = Array.BinarySearch(keys, key);
        if (index < 0)
        {
            return null;
        }

        var path = new List<Hash256>();
        int i = index;
        foreach (Hash256[] level in levels)
        {
            if ((i ^ 1) < level.Length)
            {
                path.Add(level[i ^ 1]);
            }

            i >>= 1;
        }

        return new InclusionProof(index, keys.Length, path);
    }

    private Hash256[][] Rehash(Hash256[] leaves, List<int> dirty, int firstInserted)
    {
        var result = new List<Hash256[]> { leaves };
        for (int depth = 1; result[^1].Length > 1; depth++)
        {
            Hash256[] below = result[^1];
            var level = new Hash256[(below.Length + 1) / 2];

            // Nodes left of the first insertion cover the same leaves as before.
            int kept = Math.Min(level.Length, firstInserted >> depth);
            if (depth < levels.Length)
            {
                kept = Math.Min(kept, levels[depth].Length);
                Array.Copy(levels[depth], level, kept);
            }
            else
            {
                kept = 0;
            }

            int last = -1;
            foreach (int leaf in dirty)
            {
                int node = leaf >> depth;
                if (node < kept && node != last)
                {
                    level[node] = Parent(below, node);
                    last = node;
                }
            }

            for (int node = kept; node < level.Length; node++)
            {
                level[node] = Parent(below, node);
            }

            result.Add(level);
        }

        return [.. result];
    }

    private static Hash256 Parent(Hash256[] below, int node) =>
        (2 * node) + 1 < below.Length ? MerkleTree.Node(below[2 * node], below[(2 * node) + 1]) : below[2 * node];
}
