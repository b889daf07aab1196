using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// What is known of a device's newest boot: the highest sequence number and which of the 64 up to it were accepted.
/// Not thread-safe; the journal's task owns all windows.
/// </summary>
internal struct ReplayWindow
{
    /// <summary>Sequence numbers that a window tells apart: the highest and the 63 below.</summary>
    public const int Width = 64;

    private uint bootId;
    private uint highest; // 0: nothing accepted of this boot
    private ulong accepted; // bit i: highest - i was accepted

    /// <summary>Accepts a frame that was not accepted before.</summary>
    /// <returns>None and remembers it; Duplicate; or Stale, when the window does not reach back to it.</returns>
    public FrameRejection Accept(uint boot, uint sequence)
    {
        if (highest != 0 && boot < bootId)
        {
            return FrameRejection.Stale;
        }

        if (highest == 0 || boot > bootId)
        {
            bootId = boot;
            highest = sequence;
            accepted = 1;
            return FrameRejection.None;
        }

        if (sequence > highest)
        {
            uint ahead = sequence - highest;
            accepted = ahead >= Width ? 1 : (accepted << (int)ahead) | 1;
            highest = sequence;
            return FrameRejection.None;
        }

        uint behind = highest - sequence;
        if (behind >= Width)
        {
            return FrameRejection.Stale;
        }

        ulong bit = 1UL << (int)behind;
        if ((accepted & bit) != 0)
        {
            return FrameRejection.Duplicate;
        }

        accepted |= bit;
        return FrameRejection.None;
    }
}
