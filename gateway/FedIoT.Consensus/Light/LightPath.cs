namespace FedIoT.Consensus.Light;

/// <summary>Finds few blocks that lead a light client from what it believes to a block that it does not.</summary>
public static class LightPath
{
    /// <summary>
    /// The blocks to verify one after the other, the last is the wanted one: each time the farthest that what is
    /// believed vouches for. Null when they are more than allowed, or the chain does not hold.
    /// </summary>
    /// <param name="trust">What is believed.</param>
    /// <param name="blocks">
    /// Ascending, the last is the wanted one. The two around each change of the set are enough: to the end of its time
    /// a set vouches for itself, and the block there announces the next one.
    /// </param>
    /// <param name="blocksMax">Most blocks, the wanted one included.</param>
    public static IReadOnlyList<LightBlock>? Find(LightTrust trust, IReadOnlyList<LightBlock> blocks, int blocksMax)
    {
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentNullException.ThrowIfNull(blocks);
        var path = new List<LightBlock>();
        int at = -1;
        while (at < blocks.Count - 1)
        {
            int next = blocks.Count - 1;
            while (next > at && LightVerifier.Verify(trust, blocks[next]) != LightVerdict.Valid)
            {
                next--;
            }

            if (next == at || path.Count == blocksMax)
            {
                return null;
            }

            path.Add(blocks[next]);
            trust = trust.After(blocks[next]);
            at = next;
        }

        return path;
    }
}
