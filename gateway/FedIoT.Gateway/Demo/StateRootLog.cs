using FedIoT.Wire;

namespace FedIoT.Gateway.Demo;

/// <summary>A node's newest state roots by height, to compare nodes at one height. Thread-safe.</summary>
internal sealed class StateRootLog
{
    private const int HeightsMax = 1024;

    private readonly Lock gate = new();
    private readonly SortedDictionary<Height, Hash256> roots = [];

    /// <summary>Notes the root after a block.</summary>
    public void Add(Height height, Hash256 root)
    {
        lock (gate)
        {
            roots[height] = root;
            if (roots.Count > HeightsMax)
            {
                roots.Remove(roots.First().Key);
            }
        }
    }

    /// <summary>The root after a height; null when not there (yet, or any more).</summary>
    public Hash256? At(Height height)
    {
        lock (gate)
        {
            return roots.TryGetValue(height, out Hash256 root) ? root : null;
        }
    }
}
