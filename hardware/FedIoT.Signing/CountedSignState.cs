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
/// <para>A counter wears out, so it moves once at every start and once every <see cref="HeightsPerIncrement"/> heights
/// (at a block a second a counter of two million lasts 66 years). A copy made and put back between two increments is
/// not noticed: that window is the price.</para>
/// <para>File, 96 bytes: two slots of 48, used in turn: the ASCII text <c>FIOTEPO1</c>, the counter value (8, big
/// endian), SHA-256 of these 16 bytes. The file says n + 1 before the counter does: after a crash in between, the file
/// is one ahead, never behind.</para>
/// <para>Not thread-safe; the guard serialises.</para>
/// </remarks>
public sealed class CountedSignState : ISignState, IDisposable
{
    /// <summary>Heights signed for one increment.</summary>
    public const int HeightsPerIncrement = 1000;

    private const int SlotBytes = 48;
    private const int SignedBytes = 16;

    private readonly ISignState state;
    private readonly IMonotonicCounter counter;
    private readonly FileStream file;
    private long nextIncrement;

    private CountedSignState(ISignState state, IMonotonicCounter counter, FileStream file)
    {
        this.state = state;
        this.counter = counter;
        this.file = file;
        nextIncrement = NextAfter(state.Last?.Height ?? default);
    }

    /// <inheritdoc/>
    public SignRecord? Last => state.Last;

    private static ReadOnlySpan<byte> Magic => "FIOTEPO1"u8;

    /// <summary>Ties a memory to a counter for the first time: when the key is made, never to get rid of a refusal.
    /// </summary>
    /// <param name="path">A new file beside the memory's folder.</param>
    /// <param name="state">The memory; not disposed.</param>
    /// <param name="counter">The counter.</param>
    /// <exception cref="SignerException">The file exists or cannot be written, or the counter does not
    /// answer.</exception>
    public static CountedSignState Create(string path, ISignState state, IMonotonicCounter counter) =>
        Start(path, FileMode.CreateNew, state, counter);

    /// <summary>Opens a tied memory, and moves file and counter forward.</summary>
    /// <param name="path">The file that <see cref="Create"/> made.</param>
    /// <param name="state">The memory; not disposed.</param>
    /// <param name="counter">The same counter.</param>
    /// <exception cref="SignerException">The memory is an old copy; or as for <see cref="Create"/>.</exception>
    public static CountedSignState Open(string path, ISignState state, IMonotonicCounter counter) =>
        Start(path, FileMode.Open, state, counter);

    /// <inheritdoc/>
    public void Append(SignRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Height.Value >= nextIncrement)
        {
            Advance(counter.ReadCounter());
            nextIncrement = NextAfter(record.Height);
        }

        state.Append(record);
    }

    /// <inheritdoc/>
    public IReadOnlyList<SignRecord> At(Height height) => state.At(height);

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    private static long NextAfter(Height height) =>
        ((height.Value / HeightsPerIncrement) + 1) * HeightsPerIncrement;

    private static CountedSignState Start(
        string path, FileMode mode, ISignState state, IMonotonicCounter counter)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(counter);
        FileStream? file = null;
        try
        {
            file = new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            long now = counter.ReadCounter();
            if (mode == FileMode.Open)
            {
                CheckNotOlder(path, Read(file), now);
            }

            var counted = new CountedSignState(state, counter, file);
            counted.Advance(now);
            return counted;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new SignerException($"Cannot use {path}: {e.Message}", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    private static void CheckNotOlder(string path, long? stored, long counter)
    {
        if (stored is null)
        {
            throw new SignerException($"{path} holds no counter value; the disk is damaged or was replaced.");
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

    private void Advance(long now)
    {
        Write(now + 1);
        long reached = counter.IncrementCounter();
        if (reached > now + 1)
        {
            Write(reached); // a repeated command may count twice
        }
    }

    // The slot that does not hold the last value is overwritten, so a torn write leaves the last value readable.
    private void Write(long value)
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
