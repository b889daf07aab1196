using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>
/// A path from a leaf to a root in which every bit is covered by the root: each step says on which side the sibling
/// stands. An <see cref="InclusionProof"/> names index and count instead, and the root of RFC 6962 does not cover the
/// count: two counts can share a path. So bundles carry this form. It proves that a leaf is in the tree, not where.
/// </summary>
public sealed class MerklePath
{
    /// <summary>Most steps: trees here have fewer than 2^31 leaves.</summary>
    public const int StepsMax = 31;

    private readonly (bool SiblingIsLeft, Hash256 Sibling)[] steps;

    /// <summary>Takes steps from the leaf upwards.</summary>
    /// <exception cref="ArgumentException">More than <see cref="StepsMax"/>.</exception>
    public MerklePath(IEnumerable<(bool SiblingIsLeft, Hash256 Sibling)> steps)
    {
        this.steps = [.. steps];
        if (this.steps.Length > StepsMax)
        {
            throw new ArgumentException($"A path has at most {StepsMax} steps.", nameof(steps));
        }
    }

    /// <summary>From the leaf upwards.</summary>
    public IReadOnlyList<(bool SiblingIsLeft, Hash256 Sibling)> Steps => steps;

    /// <summary>The same path as a proof that fits its tree.</summary>
    /// <exception cref="ArgumentException">The path's length is not that of its index and count.</exception>
    public static MerklePath From(InclusionProof proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        var steps = new List<(bool, Hash256)>();
        int index = proof.Index;
        for (int count = proof.Count; count > 1; count = count - (count >> 1), index >>= 1)
        {
            if ((index ^ 1) >= count)
            {
                continue; // the odd last node moves up unchanged
            }

            if (steps.Count == proof.Path.Count)
            {
                throw new ArgumentException("The path is too short for its tree.", nameof(proof));
            }

            steps.Add(((index & 1) == 1, proof.Path[steps.Count]));
        }

        return steps.Count == proof.Path.Count
            ? new MerklePath(steps)
            : throw new ArgumentException("The path is too long for its tree.", nameof(proof));
    }

    /// <summary>Root of the tree in which this is the path of the leaf.</summary>
    public Hash256 RootOf(Hash256 leaf)
    {
        Hash256 node = leaf;
        foreach ((bool siblingIsLeft, Hash256 sibling) in steps)
        {
            node = siblingIsLeft ? MerkleTree.Node(sibling, node) : MerkleTree.Node(node, sibling);
        }

        return node;
    }
}
