using System.Buffers.Binary;
using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Signing;

/// <summary>
/// A guarded key's memory, tied to a counter in hardware: a disk that was put back to an older copy is noticed, and
/// nothing is signed with what it remembers.
/// </summary>
/// <remarks>
/// <para>A counter wears out, so it moves at the first signature after every start and once every <see
/// cref="HeightsPerIncrement"/> heights. 2,097,151 counts are two thousand million blocks: 66 years of a block a
/// second, less one increment for every start. A used-up counter signs nothing more: the key moves to a new chip
/// before. A copy made and put back between two increments is not noticed: that window is the price.</para>
/// <para>An empty file beside an empty memory is taken as tied when the counter stands at zero: such a counter never
/// guarded anything.</para>
/// <para>The chip may be away at the start: it is asked at the first signature, and nothing is signed before it
/// answered.</para>
/// <para>File, 96 bytes: two slots of 48, used in turn: the ASCII text <c>FIOTEPO1</c>, the counter value (8, big
/// endian), SHA-256 of these 16 bytes. The file says n + 1 before the counter does: after a crash in between, the file
/// is one ahead, never behind.</para>
/// <para>Thread-safe as far as its own state goes; who signs goes through the guard, which serialises.</para>
/// </remarks>
public sealed class CountedSignState : ISignState, IDisposable
{
    /// <summary>Heights signed for one increment.</summary>
    public const int HeightsPerIncrement = 1000;

    private const long Unknown = -1;
    private const int SlotBytes = 48;
    private const int SignedBytes = 16;

    private readonly Lock gate = new();
    private readonly string path;
    private readonly ISignState state;
    private readonly IMonotonicCounter counter;
    private readonly FileStream file;
    private long value = Unknown; // of the counter, once it was compared with the file and moved
    private long seen = Unknown; // of the counter in this life of the process, once it was compared with the file
    private long nextIncrement;
    private volatile string? refusal;

    private CountedSignState(string path, ISignState state, IMonotonicCounter counter, FileStream file)
    {
        this.path = path;
        this.state = state;
        this.counter = counter;
        this.file = file;
        nextIncrement = NextAfter(state.Last?.Height ?? default);
    }

    /// <inheritdoc/>
    public SignRecord? Last => state.Last;

    /// <summary>Increments that are left; null before the first signature.</summary>
    public long? CountsLeft =>
        Interlocked.Read(ref value) is var known and not Unknown ? counter.CounterMax - known : null;

    /// <summary>Why nothing is signed although the chip answers; null while that is not so.</summary>
    public string? Refusal => refusal;

    private static ReadOnlySpan<byte> Magic => "FIOTEPO1"u8;

    /// <summary>Ties a folder to a counter for the first time: when a gateway is made, never to get rid of a refusal.
    /// </summary>
    /// <param name="path">A new file beside the memory's folder.</param>
    /// <param name="counter">The counter.</param>
    /// <exception cref="SignerException">The file exists or cannot be written, or the counter does not
    /// answer.</exception>
    public static void Tie(string path, IMonotonicCounter counter)
    {
        ArgumentNullException.ThrowIfNull(counter);
        using FileStream file = OpenFile(path, FileMode.CreateNew);
        try
        {
            Advance(file, counter, counter.ReadCounter());
        }
        catch (Exception e) when (e is SignerException or IOException)
        {
            File.Delete(path); // nothing is tied: the next attempt may begin anew
            throw e as SignerException ?? new SignerException($"Cannot use {path}: {e.Message}", e);
        }
    }

    /// <summary>Opens a tied memory; the counter is asked at the first signature.</summary>
    /// <param name="path">The file that <see cref="Tie"/> made; locked by this process.</param>
    /// <param name="state">The memory; not disposed.</param>
    /// <param name="counter">The same counter.</param>
    /// <exception cref="SignerException">There is no such file, or another process has it.</exception>
    public static CountedSignState Attach(string path, ISignState state, IMonotonicCounter counter)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(counter);
        return new CountedSignState(path, state, counter, OpenFile(path, FileMode.Open));
    }

    /// <inheritdoc/>
    /// <exception cref="SignerException">The memory is an old copy, the counter is used up or does not answer; nothing
    /// was written.</exception>
    public void Append(SignRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (gate)
        {
            if (value == Unknown || record.Height.Value >= nextIncrement)
            {
                Move(record.Height);
            }

            state.Append(record);
        }
    }

    /// <summary>Compares the counter with the file and moves both, as the first signature would.</summary>
    /// <exception cref="SignerException">As for <see cref="Append"/>.</exception>
    public void Prepare()
    {
        lock (gate)
        {
            if (value == Unknown)
            {
                Move(state.Last?.Height ?? default);
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<SignRecord> At(Height height) => state.At(height);

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    private static long NextAfter(Height height) =>
        ((height.Value / HeightsPerIncrement) + 1) * HeightsPerIncrement;

    private static FileStream OpenFile(string path, FileMode mode)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (FileNotFoundException e)
        {
            throw new SignerException(
                $"There is no {path}: this folder was never tied to the chip's counter, or a part of it is lost. "
                + "'fediot init --node-key' ties the folder of a new gateway; an old one gets a new key.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SignerException($"Cannot use {path}: {e.Message}", e);
        }
    }

    private void Move(Height height)
    {
        try
        {
            long now = counter.ReadCounter();
            if (seen == Unknown)
            {
                CheckNotOlder(path, Read(file), now, mayBeNew: state.Last is null);
            }
            else if (now < seen)
            {
                throw new SignerException(
                    $"The chip's counter says {now} and said {seen} before: it is broken, or the chip is another one. "
                    + "Nothing is signed; put the right chip back, or move the node to a key in a new chip.");
            }

            seen = now; // what an increment adds whose answer is lost is no sign of an old copy
            seen = Advance(file, counter, now);
            Interlocked.Exchange(ref value, seen);
            nextIncrement = NextAfter(height);
            refusal = null;
        }
        catch (SignerException e)
        {
            refusal = TokenException.FaultOf(e) is null ? e.Message : refusal;
            throw;
        }
        catch (IOException e)
        {
            throw new SignerException($"Cannot use {path}: {e.Message}", e);
        }
    }

    private static void CheckNotOlder(string path, long? stored, long counter, bool mayBeNew)
    {
        if (stored is null && mayBeNew && counter == 0)
        {
            return;
        }

        if (stored is null)
        {
            throw new SignerException(
                $"{path} holds no counter value and the chip's counter says {counter}: the disk is damaged or was "
                + "replaced, or the chip was in use before. Give the node a new key, in a chip whose counter is at 0.");
        }

        if (stored != counter && stored != counter + 1)
        {
            throw new SignerException(
                $"{path} says {stored}, the chip's counter says {counter}: this disk is an old copy, or the chip is "
                + "another one. The key has signed what this disk does not know; give the node a new key.");
        }
    }

    private static long? Read(FileStream file)
    {
        Span<byte> bytes = stackalloc byte[2 * SlotBytes];
        file.Position = 0;
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        long? highest = null;
        for (int at = 0; at + SlotBytes <= length; at += SlotBytes)
        {
            ReadOnlySpan<byte> slot = bytes.Slice(at, SlotBytes);
            if (slot.StartsWith(Magic) && slot[SignedBytes..].SequenceEqual(SHA256.HashData(slot[..SignedBytes])))
            {
                long value = BinaryPrimitives.ReadInt64BigEndian(slot[Magic.Length..]);
                highest = highest is { } other ? Math.Max(other, value) : value;
            }
        }

        return highest;
    }

    private static long Advance(FileStream file, IMonotonicCounter counter, long now)
    {
        if (now >= counter.CounterMax)
        {
            throw new SignerException(
                $"The chip's counter is used up at {now}: it cannot tell an old copy of the disk any more, so nothing "
                + "is signed. Move the node to a key in a new chip.");
        }

        Write(file, now + 1);
        long reached = counter.IncrementCounter();
        if (reached <= now)
        {
            throw new SignerException(
                $"The chip's counter says {reached} after an increment from {now}: it does not count, so an old copy "
                + "of the disk would not be noticed. Nothing is signed; move the node to a key in a new chip.");
        }

        if (reached > now + 1)
        {
            Write(file, reached); // a repeated command may count twice
        }

        return reached;
    }

    // The slot that does not hold the last value is overwritten, so a torn write leaves the last value readable.
    private static void Write(FileStream file, long value)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        Magic.CopyTo(slot);
        BinaryPrimitives.WriteInt64BigEndian(slot[Magic.Length..], value);
        SHA256.HashData(slot[..SignedBytes], slot[SignedBytes..]);
        file.Position = value % 2 * SlotBytes;
        file.Write(slot);
        file.Flush(flushToDisk: true);
    }
}
