using FedIoT.Wire;

namespace FedIoT.Simulation;

/// <summary>Content of a file: what programs see, what a power cut leaves, and the writes in between.</summary>
internal sealed class SimulatedFile
{
    private const int SectorBytes = 512;

    private readonly List<(long Offset, byte[]? Bytes, long Length)> pending = [];
    private byte[] visible = [];
    private byte[] durable = [];
    private int durableLength;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Visible => visible.AsSpan(0, Length);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        pending.Add((offset, bytes.ToArray(), 0));
        int length = Length;
        Put(ref visible, ref length, offset, bytes);
        Length = length;
    }

    public void SetLength(long length)
    {
        pending.Add((0, null, length));
        Length = Resize(ref visible, Length, (int)length);
    }

    public void Sync()
    {
        foreach ((long offset, byte[]? bytes, long length) in pending)
        {
            ApplyToDurable(offset, bytes, length);
        }

        pending.Clear();
    }

    /// <summary>Changes one bit as a decaying medium would.</summary>
    public void FlipBit(long bit)
    {
        Sync();
        byte mask = (byte)(1 << (int)(bit % 8));
        visible[bit / 8] ^= mask;
        durable[bit / 8] ^= mask;
    }

    /// <summary>The process died, the machine did not: the system still writes everything.</summary>
    public SimulatedFile AfterKill()
    {
        Sync();
        return AfterPowerCut(_ => Survival.None);
    }

    /// <summary>Each write that was not synced is kept, lost or torn.</summary>
    public SimulatedFile AfterPowerCut(ref SplitMix64 random)
    {
        ulong state = random.Next();
        return AfterPowerCut(sector =>
        {
            var draw = SplitMix64.For(state, (ulong)sector);
            return (Survival)draw.Next(3);
        });
    }

    private SimulatedFile AfterPowerCut(Func<int, Survival> survival)
    {
        int sector = 0;
        for (int i = 0; i < pending.Count; i++)
        {
            (long offset, byte[]? bytes, long length) = pending[i];
            Survival fate = survival(sector++);
            if (fate == Survival.Torn && bytes is not null)
            {
                for (int start = 0; start < bytes.Length; start += SectorBytes)
                {
                    if (survival(sector++) != Survival.None)
                    {
                        int end = Math.Min(bytes.Length, start + SectorBytes);
                        ApplyToDurable(offset + start, bytes[start..end], 0);
                    }
                }
            }
            else if (fate != Survival.None)
            {
                ApplyToDurable(offset, bytes, length);
            }
        }

        byte[] content = durable[..durableLength];
        return new SimulatedFile
        {
            visible = content, durable = [.. content], Length = content.Length, durableLength = content.Length,
        };
    }

    private void ApplyToDurable(long offset, byte[]? bytes, long length)
    {
        if (bytes is null)
        {
            durableLength = Resize(ref durable, durableLength, (int)length);
        }
        else
        {
            Put(ref durable, ref durableLength, offset, bytes);
        }
    }

    private static void Put(ref byte[] content, ref int length, long offset, ReadOnlySpan<byte> bytes)
    {
        int end = (int)offset + bytes.Length;
        if (end > length)
        {
            length = Resize(ref content, length, end);
        }

        bytes.CopyTo(content.AsSpan((int)offset));
    }

    private static int Resize(ref byte[] content, int length, int wanted)
    {
        if (wanted > content.Length)
        {
            Array.Resize(ref content, Math.Max(wanted, content.Length * 2));
        }

        if (wanted < length)
        {
            content.AsSpan(wanted, length - wanted).Clear();
        }

        return wanted;
    }

    private enum Survival
    {
        None,
        Torn,
        Whole,
    }
}
