using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Storage.Chain;

/// <summary>What an index has learnt from a closed segment, and from all before it.</summary>
/// <param name="Segment">Its number.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="LastRecord">Offset of its last record.</param>
/// <param name="LastChecksum">
/// That record's checksum: another segment of this number and length has another one.
/// </param>
/// <param name="Blocks">Those whose commits are in it; null for none.</param>
/// <param name="Undecided">Blocks without a commit at its end.</param>
/// <param name="LockProofs">The latest prevotes for such blocks.</param>
internal sealed record SegmentSummary(
    long Segment, long Length, long LastRecord, uint LastChecksum, SegmentBlocks? Blocks,
    IReadOnlyList<(Hash256 Hash, Height Height, LogPosition Position)> Undecided,
    IReadOnlyList<(Hash256 Hash, LogPosition Position)> LockProofs);
