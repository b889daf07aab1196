using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>
/// Where the blocks are whose commits stand in one segment, 8 bytes a block: a chain of years fits into memory. Only
/// the first one's block can stand in an earlier segment, because a block follows the commit before it.
/// </summary>
internal sealed class SegmentBlocks
{
    private readonly List<(uint Block, uint Commit)> offsets;

    /// <param name="segment">Number of the segment.</param>
    /// <param name="first">Height of the first block.</param>
    /// <param name="firstBlock">Where it is.</param>
    /// <param name="offsets">Of all blocks and commits in the segment; the first block's only when it is here.</param>
    public SegmentBlocks(long segment, Height first, LogPosition firstBlock, List<(uint Block, uint Commit)> offsets)
    {
        Segment = segment;
        First = first;
        FirstBlock = firstBlock;
        this.offsets = offsets;
    }

    /// <summary>Number of the segment.</summary>
    public long Segment { get; }

    /// <summary>Height of the first block.</summary>
    public Height First { get; private set; }

    /// <summary>Where that block is.</summary>
    public LogPosition FirstBlock { get; private set; }

    /// <summary>Offsets of block and commit of each height.</summary>
    public IReadOnlyList<(uint Block, uint Commit)> Offsets => offsets;

    /// <summary>Height of the last block.</summary>
    public Height Last => new(First.Value + offsets.Count - 1);

    /// <summary>Where block and commit of one of its heights are.</summary>
    public (LogPosition Block, LogPosition Commit) this[Height height]
    {
        get
        {
            (uint block, uint commit) = offsets[(int)(height.Value - First.Value)];
            return (
                height == First ? FirstBlock : new LogPosition(Segment, block), new LogPosition(Segment, commit));
        }
    }

    /// <summary>The next height.</summary>
    public void Add(LogPosition block, LogPosition commit) => offsets.Add(((uint)block.Offset, (uint)commit.Offset));

    /// <summary>The first block is gone with its segment. False when no other is left.</summary>
    public bool DropFirst()
    {
        offsets.RemoveAt(0);
        if (offsets.Count == 0)
        {
            return false;
        }

        First = First.Next;
        FirstBlock = new LogPosition(Segment, offsets[0].Block);
        return true;
    }

    /// <summary>No more will come.</summary>
    public void Close() => offsets.TrimExcess();
}
