using System.Buffers.Binary;
using System.Device.I2c;
using FedIoT.Consensus;

namespace FedIoT.Signing.Atecc608;

/// <summary>
/// Driver of the ATECC608A/B secure element over I2C. One call is one transaction: wake, commands, idle; the chip's
/// watchdog sends it to sleep 1.3 s after waking whatever it does, so nothing is left awake between calls.
/// </summary>
/// <remarks>
/// <para>Constants are those of the data sheet family and of Microchip's own library. Thread-safe: calls queue.
/// A call blocks the thread for the chip's time, 60 ms to 1 s for a signature.</para>
/// <para>A transaction is repeated up to <see cref="AttemptsMax"/> times after damaged bytes, a missing answer or a
/// watchdog sleep; an answer that says "not permitted" is final. Every failure is a <see
/// cref="TokenException"/>.</para>
/// <para>The bus has to run at 100 kHz: the wake pulse is a zero byte that holds the data line low for 60 us.</para>
/// </remarks>
public sealed class Atecc608Chip : IDisposable
{
    /// <summary>The address of a chip as it leaves the factory (7 bits).</summary>
    public const int DefaultAddress = 0x60;

    /// <summary>The last value of a counter.</summary>
    public const long CounterMax = 2_097_151;

    /// <summary>How often a transaction is tried.</summary>
    public const int AttemptsMax = 3;

    private const int PollIntervalMs = 2;
    private const int WakeDelayMs = 2; // tWHI is 1.5 ms
    private const int WatchdogMaxMs = 1700; // after that long it is certainly asleep
    private const int DigestBytes = 32;

    // Modes of the commands.
    private const byte ReadConfiguration32 = 0x80;
    private const byte GenKeyPublic = 0x00;
    private const byte GenKeyPrivate = 0x04;
    internal const byte GenKeyDigest = 0x08; // of a private key's public half, into TempKey
    internal const byte SignInternalWithSerial = 0x40;
    private const byte NonceToTempKey = 0x03; // pass-through, 32 bytes
    private const byte NonceToDigestBuffer = 0x43; // pass-through, 32 bytes, into the message digest buffer
    private const byte SignExternalFromDigestBuffer = 0xA0;
    private const byte WriteConfiguration4 = 0x00;
    private const byte LockConfigurationChecked = 0x00; // with the checksum of the whole zone in param2
    private const byte LockDataUnchecked = 0x81; // what secret slots hold has no checksum that one could know
    private const byte LockOneSlot = 0x02; // the slot's number in bits 2-5

    private readonly Lock gate = new();
    private readonly I2cDevice chip;
    private readonly I2cDevice wake;
    private readonly TimeProvider time;
    private readonly string place;
    private KeyLock? held;
    private bool disposed;

    /// <summary>Takes the chip's two ends of the bus.</summary>
    /// <param name="chip">The chip's address. Disposed with this object.</param>
    /// <param name="wake">Address 0 of the same bus: a byte to nobody is the wake pulse. Disposed too.</param>
    /// <param name="time">Waits between polls.</param>
    public Atecc608Chip(I2cDevice chip, I2cDevice wake, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(chip);
        ArgumentNullException.ThrowIfNull(wake);
        ArgumentNullException.ThrowIfNull(time);
        this.chip = chip;
        this.wake = wake;
        this.time = time;
        place = $"ATECC608 at bus {chip.ConnectionSettings.BusId}, "
            + $"address 0x{chip.ConnectionSettings.DeviceAddress:x2}";
    }

    /// <summary>Opens a chip on a bus of this machine; nothing is sent yet.</summary>
    /// <param name="bus">Number of the bus: 1 is <c>/dev/i2c-1</c>. It runs at 100 kHz.</param>
    /// <param name="address">7-bit address.</param>
    /// <param name="time">Waits between polls.</param>
    /// <exception cref="SignerException">There is no such bus, this user may not use it, or another process uses the
    /// chip.</exception>
    public static Atecc608Chip Open(int bus, int address, TimeProvider time)
    {
        // Two processes that take turns within a transaction would read each other's answers.
        KeyLock held = KeyLock.Acquire(
            $"atecc608-{bus}-{address:x2}", $"The ATECC608 at bus {bus}, address 0x{address:x2}");
        I2cDevice? chip = null;
        try
        {
            chip = I2cDevice.Create(new I2cConnectionSettings(bus, address));
            return new Atecc608Chip(chip, I2cDevice.Create(new I2cConnectionSettings(bus, 0)), time) { held = held };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            chip?.Dispose();
            held.Dispose();
            throw new TokenException(
                SignerFault.Absent, "open the bus",
                $"Cannot open I2C bus {bus}: {e.Message.TrimEnd('.')}. Enable it (on a Raspberry Pi: "
                + "dtparam=i2c_arm=on in config.txt), and put the user into the group i2c.", inner: e)
                .ToSignerException();
        }
    }

    /// <summary>The four revision bytes; 00 00 60 02 and 00 00 60 03 are known.</summary>
    public byte[] ReadRevision() => Transact(() => Execute(Atecc608Command.Info, 0, 0, [], 4));

    /// <summary>The nine bytes of the serial number.</summary>
    public byte[] ReadSerialNumber()
    {
        byte[] block = Transact(() => ReadConfigurationBlock(0));
        return [.. block.AsSpan(0, 4), .. block.AsSpan(8, 5)];
    }

    /// <summary>Locks and configuration of a slot.</summary>
    /// <param name="slot">0-15.</param>
    public Atecc608Slot ReadSlot(int slot)
    {
        CheckSlot(slot);
        return Atecc608Slot.Parse(ReadConfiguration(), slot);
    }

    /// <summary>The configuration zone, 128 bytes.</summary>
    public byte[] ReadConfiguration() => Transact(() =>
    {
        var configuration = new byte[Atecc608Slot.ConfigurationBytes];
        for (int block = 0; block < Atecc608Slot.ConfigurationBytes / 32; block++)
        {
            ReadConfigurationBlock(block).CopyTo(configuration.AsSpan(32 * block));
        }

        return configuration;
    });

    /// <summary>Makes a new private key in a slot. The old key is lost.</summary>
    /// <param name="slot">0-15.</param>
    /// <returns>The public key, X ‖ Y, 64 bytes.</returns>
    public byte[] CreateKey(int slot)
    {
        CheckSlot(slot);
        return Transact(() => Execute(Atecc608Command.GenKey, GenKeyPrivate, (ushort)slot, [], 64));
    }

    /// <summary>The public key of a slot's private key, X ‖ Y, 64 bytes.</summary>
    /// <param name="slot">0-15.</param>
    public byte[] ReadPublicKey(int slot)
    {
        CheckSlot(slot);
        return Transact(() => Execute(Atecc608Command.GenKey, GenKeyPublic, (ushort)slot, [], 64));
    }

    /// <summary>Signs a digest.</summary>
    /// <param name="slot">0-15.</param>
    /// <param name="digest">32 bytes.</param>
    /// <returns>r ‖ s as the chip made them: s may be in the upper half.</returns>
    public byte[] SignDigest(int slot, ReadOnlyMemory<byte> digest)
    {
        CheckSlot(slot);
        if (digest.Length != DigestBytes)
        {
            throw new ArgumentException($"A digest has {DigestBytes} bytes.", nameof(digest));
        }

        return Transact(() =>
        {
            Execute(Atecc608Command.Random, 0, 0, [], 32); // renews the seed of the generator that makes nonces
            ExecuteForStatus(Atecc608Command.Nonce, NonceToDigestBuffer, 0, digest.Span);
            return Execute(Atecc608Command.Sign, SignExternalFromDigestBuffer, (ushort)slot, [], 64);
        });
    }

    /// <summary>Has the chip say, in its own format, which public key belongs to a slot, and sign that.</summary>
    /// <param name="slot">The slot that it is about.</param>
    /// <param name="attesterSlot">The slot whose key signs; its configuration has to permit internal signatures.
    /// </param>
    /// <param name="nonce">32 bytes that become part of what is signed.</param>
    /// <returns>r ‖ s as the chip made them.</returns>
    public byte[] SignKeyStatement(int slot, int attesterSlot, ReadOnlyMemory<byte> nonce)
    {
        CheckSlot(slot);
        CheckSlot(attesterSlot);
        if (nonce.Length != DigestBytes)
        {
            throw new ArgumentException($"A nonce has {DigestBytes} bytes.", nameof(nonce));
        }

        return Transact(() =>
        {
            Execute(Atecc608Command.Random, 0, 0, [], 32);
            ExecuteForStatus(Atecc608Command.Nonce, NonceToTempKey, 0, nonce.Span);
            Execute(Atecc608Command.GenKey, GenKeyDigest, (ushort)slot, [], 64);
            TrySend(Atecc608Packet.IdleAddress); // keeps TempKey; two slow commands outlast the watchdog
            Wake();
            return Execute(Atecc608Command.Sign, SignInternalWithSerial, (ushort)attesterSlot, [], 64);
        });
    }

    /// <summary>The value of a counter.</summary>
    /// <param name="counter">0 or 1.</param>
    public long ReadCounter(int counter) => RunCounter(counter, mode: 0);

    /// <summary>Adds one and returns the new value. After damaged bytes it may have added more.</summary>
    /// <param name="counter">0 or 1.</param>
    public long IncrementCounter(int counter) => RunCounter(counter, mode: 1);

    /// <summary>Writes four bytes of the configuration zone while it is open.</summary>
    /// <param name="offset">A multiple of 4; bytes 0-15 and 84-87 are the chip's own.</param>
    /// <param name="word">Four bytes.</param>
    internal void WriteConfiguration(int offset, byte[] word) => Transact(() =>
    {
        ExecuteForStatus(Atecc608Command.Write, WriteConfiguration4, (ushort)(offset / 4), word);
        return true;
    });

    /// <summary>Locks the configuration zone for ever; the chip refuses when the zone has another checksum.</summary>
    /// <param name="checksum">Of the 128 bytes that the zone must hold.</param>
    internal void LockConfiguration(ushort checksum) => LockForEver(LockConfigurationChecked, checksum);

    /// <summary>Locks the data zone for ever: its slots can be used from then on.</summary>
    internal void LockData() => LockForEver(LockDataUnchecked, 0);

    /// <summary>Locks one slot for ever: its key cannot be replaced any more.</summary>
    /// <param name="slot">0-15; its configuration has to permit it.</param>
    internal void LockSlot(int slot) => LockForEver((byte)(LockOneSlot | slot << 2), 0);

    /// <summary>Releases the bus.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            chip.Dispose();
            wake.Dispose();
            held?.Dispose();
        }
    }

    private static void CheckSlot(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slot, 15);
    }

    private static bool IsPassing(TokenException error) =>
        error.Fault is SignerFault.Absent or SignerFault.Busy or SignerFault.Communication;

    // A lock whose answer was lost is refused when it is repeated: the caller reads what is locked.
    private void LockForEver(byte mode, ushort checksum) => Transact(() =>
    {
        ExecuteForStatus(Atecc608Command.Lock, mode, checksum, []);
        return true;
    });

    private long RunCounter(int counter, byte mode)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(counter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(counter, 1);
        return Transact(() =>
        {
            long value = BinaryPrimitives.ReadUInt32LittleEndian(
                Execute(Atecc608Command.Counter, mode, (ushort)counter, [], 4));
            return value <= CounterMax ? value : throw Damaged(Atecc608Command.Counter.Name); // no such value exists
        });
    }

    private byte[] ReadConfigurationBlock(int block) =>
        Execute(Atecc608Command.Read, ReadConfiguration32, (ushort)(block << 3), [], 32);

    private T Transact<T>(Func<T> commands)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    Wake();
                    return commands();
                }
                catch (TokenException e) when (attempt < AttemptsMax && IsPassing(e))
                {
                    TrySend(Atecc608Packet.SleepAddress); // forget half a command

                    // A chip that never answered is deaf until its watchdog ends that; the last attempt waits for it
                    // in any case.
                    bool deaf = e is { Fault: SignerFault.Busy, Code: 0 };
                    Wait(deaf || attempt == AttemptsMax - 1 ? WatchdogMaxMs : PollIntervalMs);
                }
                finally
                {
                    TrySend(Atecc608Packet.IdleAddress);
                }
            }
        }
    }

    private void Wake()
    {
        try
        {
            wake.WriteByte(0);
        }
        catch (IOException)
        {
            // Nobody has address 0, so nobody acknowledges; the line was low long enough all the same.
            Wait(0);
        }

        Wait(WakeDelayMs);
        Span<byte> answer = stackalloc byte[Atecc608Packet.StatusAnswerBytes];
        if (!TryRead(answer, out IOException? error))
        {
            throw new TokenException(
                SignerFault.Absent, "wake",
                $"{place} does not wake. Check supply, wiring, address and 100 kHz bus speed. ({error?.Message})",
                inner: error);
        }

        if (!Atecc608Packet.TryDecode(answer, out ReadOnlySpan<byte> content))
        {
            throw Damaged("wake");
        }

        if (content[0] != (byte)Atecc608Status.AwakeAgain)
        {
            throw Translate("wake", content[0]);
        }
    }

    private void ExecuteForStatus(Atecc608Command command, byte param1, ushort param2, ReadOnlySpan<byte> data)
    {
        byte status = Execute(command, param1, param2, data, 1)[0];
        if (status != (byte)Atecc608Status.Success)
        {
            throw Translate(command.Name, status);
        }
    }

    private byte[] Execute(
        Atecc608Command command, byte param1, ushort param2, ReadOnlySpan<byte> data, int contentBytes)
    {
        Span<byte> packet = stackalloc byte[Atecc608Packet.CommandBytesMax];
        int length = Atecc608Packet.Encode(command, param1, param2, data, packet);
        try
        {
            chip.Write(packet[..length]);
        }
        catch (IOException e)
        {
            throw new TokenException(
                SignerFault.Communication, command.Name, $"{place} does not acknowledge {command.Name}.", inner: e);
        }

        Span<byte> answer = stackalloc byte[contentBytes + 3];
        ReadAnswer(command, answer);
        if (!Atecc608Packet.TryDecode(answer, out ReadOnlySpan<byte> content)
            && !(TrySend(Atecc608Packet.ResetAddress) && TryRead(answer, out _) // the chip still has it: read it again
                && Atecc608Packet.TryDecode(answer, out content)))
        {
            throw Damaged(command.Name);
        }

        if (content.Length != contentBytes)
        {
            throw content.Length == 1 ? Translate(command.Name, content[0]) : Damaged(command.Name);
        }

        return content.ToArray();
    }

    // While it computes, the chip does not acknowledge its address.
    private void ReadAnswer(Atecc608Command command, Span<byte> answer)
    {
        long start = time.GetTimestamp();
        Wait(command.FirstPollMs);
        IOException? error;
        while (!TryRead(answer, out error))
        {
            if (time.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(command.TimeMaxMs))
            {
                throw new TokenException(
                    SignerFault.Busy, command.Name,
                    $"{place} has not answered {command.Name} within {command.TimeMaxMs} ms.", inner: error);
            }

            Wait(PollIntervalMs);
        }
    }

    private bool TryRead(Span<byte> answer, out IOException? error)
    {
        try
        {
            chip.Read(answer);
            error = null;
            return true;
        }
        catch (IOException e)
        {
            error = e;
            return false;
        }
    }

    private bool TrySend(byte wordAddress)
    {
        try
        {
            chip.WriteByte(wordAddress);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private TokenException Damaged(string operation) => new(
        SignerFault.Communication, operation,
        $"{place}: the answer to {operation} is damaged. Check pull-ups, cable length and other bus users.");

    private TokenException Translate(string operation, byte status)
    {
        (SignerFault fault, string text) = (Atecc608Status)status switch
        {
            Atecc608Status.ParseError => (SignerFault.Refused, "the chip does not know this command or parameter"),
            Atecc608Status.EccFault => (SignerFault.Busy, "the computation went wrong (ECC fault)"),
            Atecc608Status.SelfTestError => (SignerFault.Broken, "the chip failed its self-test. Replace it"),
            Atecc608Status.HealthTestError => (SignerFault.Broken, "the chip's random generator failed. Replace it"),
            Atecc608Status.ExecutionError =>
                (SignerFault.Refused, "the chip's configuration does not permit it, or the slot is empty"),
            Atecc608Status.AwakeAgain or Atecc608Status.WatchdogAboutToExpire =>
                (SignerFault.Busy, "the chip's watchdog came in between"),
            Atecc608Status.CommunicationError => (SignerFault.Communication, "the command arrived damaged"),
            _ => (SignerFault.Communication, "the answer makes no sense"),
        };
        return new TokenException(fault, operation, $"{place}: {operation}: {text} (status 0x{status:x2}).", status);
    }

    private void Wait(int milliseconds)
    {
        if (milliseconds == 0)
        {
            return;
        }

        using var done = new ManualResetEventSlim();
        using ITimer timer = time.CreateTimer(
            static state => ((ManualResetEventSlim)state!).Set(), done, TimeSpan.FromMilliseconds(milliseconds),
            Timeout.InfiniteTimeSpan);
        done.Wait();
    }
}
