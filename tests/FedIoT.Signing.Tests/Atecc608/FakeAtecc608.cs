using System.Buffers.Binary;
using System.Device.I2c;
using System.Security.Cryptography;

namespace FedIoT.Signing.Tests.Atecc608;

/// <summary>
/// The chip's side of the protocol, byte for byte and with its times, with real P-256 keys inside. Written from the
/// data sheet's description and sharing no code with the driver.
/// </summary>
internal sealed class FakeAtecc608 : IDisposable
{
    private readonly TimeProvider clock;
    private readonly long startedAt;
    private readonly Dictionary<int, ECDsa> keys = [];
    private readonly uint[] counters = new uint[2];
    private readonly Dictionary<ChipFault, int> faults = [];
    private byte[] answer = [];
    private byte[]? digest;
    private byte[]? tempKey;
    private int? tempKeySlot; // set when GenKey made its content
    private int position;
    private bool awake;
    private TimeSpan wokenAt;
    private TimeSpan readyAt;

    public FakeAtecc608(TimeProvider clock)
    {
        this.clock = clock;
        startedAt = clock.GetTimestamp();
        Configuration = new byte[128];
        byte[] serial = [0x01, 0x23, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0xEE];
        serial.AsSpan(0, 4).CopyTo(Configuration);
        serial.AsSpan(4, 5).CopyTo(Configuration.AsSpan(8));
        for (int slot = 0; slot < 16; slot++)
        {
            Configuration[20 + (2 * slot)] = 0x83; // secret, external and internal signatures
            Configuration[21 + (2 * slot)] = 0x20; // GenKey permitted
            Configuration[96 + (2 * slot)] = 0x33; // private, public half readable, P-256, lockable
        }

        Configuration.AsSpan(88, 2).Fill(0xFF); // no slot is locked by itself
        Chip = new Line(this, new I2cConnectionSettings(1, 0x60), isWakeLine: false);
        WakeLine = new Line(this, new I2cConnectionSettings(1, 0), isWakeLine: true);
    }

    /// <summary>The configuration zone; bytes 86 and 87 are the locks (0x55 is open).</summary>
    public byte[] Configuration { get; }

    public I2cDevice Chip { get; }

    public I2cDevice WakeLine { get; }

    /// <summary>The command that faults happen to; other commands stay healthy. Sign unless a test says otherwise.
    /// </summary>
    public byte FaultyOpcode { get; set; } = 0x41;

    /// <summary>From waking to falling asleep by itself.</summary>
    public TimeSpan Watchdog { get; init; } = TimeSpan.FromMilliseconds(1300);

    /// <summary>Milliseconds of one Sign command.</summary>
    public int SignMs { get; set; } = 60;

    public int Signatures { get; private set; }

    private TimeSpan Now => clock.GetElapsedTime(startedAt);

    public bool IsAwake => awake && Now - wokenAt < Watchdog;

    /// <summary>Back to how a chip leaves the factory: nothing locked, slots for several uses.</summary>
    public void MakeFactoryFresh()
    {
        Configuration.AsSpan(86, 2).Fill(0x55);
        byte[] slots = Convert.FromHexString("832087208F20C48F8F8F8F8F9F8FAF8F0000000000000000000000000000AF8F");
        slots.CopyTo(Configuration, 20);
        byte[] keys = Convert.FromHexString("330033003300" + "1C001C001C001C001C003C003C003C003C003C003C003C001C00");
        keys.CopyTo(Configuration, 96);
        ReplaceKeys();
    }

    /// <summary>Lets a fault happen a number of times.</summary>
    public void Inject(ChipFault fault, int times) => faults[fault] = times;

    public void Heal() => faults.Clear();

    /// <summary>Gives a slot to a key that signs the chip's own statements only.</summary>
    public void ReserveForAttestation(int slot) => Configuration[20 + (2 * slot)] = 0x82;

    public void ReplaceKeys() => keys.Clear();

    public uint Counter(int counter) => counters[counter];

    public void SetCounter(int counter, uint value) => counters[counter] = value;

    public void Dispose()
    {
        foreach (ECDsa key in keys.Values)
        {
            key.Dispose();
        }
    }

    private static ushort Crc(ReadOnlySpan<byte> bytes)
    {
        // The data sheet's loop: one bit at a time, the lowest bit of a byte first.
        int register = 0;
        foreach (byte b in bytes)
        {
            for (int mask = 1; mask < 256; mask <<= 1)
            {
                bool dataBit = (b & mask) != 0;
                bool crcBit = (register & 0x8000) != 0;
                register = (register << 1) & 0xFFFF;
                register ^= dataBit != crcBit ? 0x8005 : 0;
            }
        }

        return (ushort)register;
    }

    private static byte[] Packet(ReadOnlySpan<byte> content)
    {
        byte[] packet = [(byte)(content.Length + 3), .. content, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(packet.Length - 2), Crc(packet.AsSpan()[..^2]));
        return packet;
    }

    private bool Take(ChipFault fault)
    {
        if (!faults.TryGetValue(fault, out int left) || left == 0)
        {
            return false;
        }

        faults[fault] = left - 1;
        return true;
    }

    private void OnWakePulse()
    {
        if (!IsAwake && !Take(ChipFault.WakeFailure))
        {
            awake = true;
            wokenAt = Now;
            readyAt = Now + TimeSpan.FromMilliseconds(1.5);
            Answer([0x04, 0x11, 0x33, 0x43]);
        }

        throw new IOException("Error 121 performing I2C data transfer."); // address 0 acknowledges nothing
    }

    private void OnWrite(ReadOnlySpan<byte> bytes)
    {
        RequireAwake();
        switch (bytes[0])
        {
            case 0x00:
                position = 0;
                break;
            case 0x01:
                Sleep();
                break;
            case 0x02:
                awake = false; // idle keeps the digest buffer
                break;
            case 0x03:
                OnCommand(bytes[1..]);
                break;
            default:
                throw new IOException("Error 121 performing I2C data transfer.");
        }
    }

    private void OnRead(Span<byte> buffer)
    {
        RequireAwake();
        for (int i = 0; i < buffer.Length; i++)
        {
            buffer[i] = position < answer.Length ? answer[position] : (byte)0xFF;
            position++;
        }

        if (buffer.Length > 4 && Take(ChipFault.WrongCrcOnTheWire))
        {
            buffer[^3] ^= 0x10;
        }
    }

    private void RequireAwake()
    {
        if (awake && Now - wokenAt >= Watchdog)
        {
            Sleep();
        }

        if (!awake || Now < readyAt)
        {
            throw new IOException("Error 121 performing I2C data transfer.");
        }
    }

    private void Sleep()
    {
        awake = false;
        digest = null;
        tempKey = null;
    }

    private void Answer(byte[] packet)
    {
        answer = packet;
        position = 0;
    }

    private void OnCommand(ReadOnlySpan<byte> packet)
    {
        if (packet[1] == FaultyOpcode && Take(ChipFault.Nack))
        {
            throw new IOException("Error 121 performing I2C data transfer.");
        }

        bool damaged = packet[0] != packet.Length
            || BinaryPrimitives.ReadUInt16LittleEndian(packet[^2..]) != Crc(packet[..^2])
            || (packet[1] == FaultyOpcode && Take(ChipFault.DamagedCommand));
        (int milliseconds, byte[] content) = damaged
            ? (1, [0xFF])
            : Run(packet[1], packet[2], BinaryPrimitives.ReadUInt16LittleEndian(packet[3..]), packet[5..^2]);
        readyAt = Now + TimeSpan.FromMilliseconds(milliseconds);
        Answer(Packet(content));
        if (packet[1] == FaultyOpcode)
        {
            Disturb();
        }
    }

    private void Disturb()
    {
        if (Take(ChipFault.WrongCrc))
        {
            answer[^3] ^= 0x01;
        }

        if (Take(ChipFault.Truncated))
        {
            answer = answer[..Math.Min(answer.Length - 1, 20)];
        }

        if (Take(ChipFault.Busy))
        {
            readyAt = TimeSpan.MaxValue;
        }

        if (Take(ChipFault.WatchdogSleep))
        {
            Sleep();
        }

        byte? status = Take(ChipFault.WatchdogWarning) ? 0xEE
            : Take(ChipFault.EccFault) ? 0x05
            : Take(ChipFault.SelfTestFailure) ? 0x07
            : null;
        if (status is { } value)
        {
            Answer(Packet([value]));
        }
    }

    private (int Milliseconds, byte[] Content) Run(byte opcode, byte param1, ushort param2, ReadOnlySpan<byte> data)
    {
        switch (opcode)
        {
            case 0x30 when param1 == 0 && data.IsEmpty:
                return (1, [0x00, 0x00, 0x60, 0x03]);
            case 0x02 when param1 == 0x80 && param2 <= 0x18 && param2 % 8 == 0:
                return (1, Configuration[(param2 * 4)..((param2 * 4) + 32)]);
            case 0x12 when param1 == 0 && data.Length == 4 && param2 < 32:
                return (26, [WriteConfiguration(param2 * 4, data)]);
            case 0x17 when data.IsEmpty:
                return (15, [Lock(param1, param2)]);
            case 0x1B when param1 == 0 && data.IsEmpty:
                return (21, RandomNumberGenerator.GetBytes(32));
            case 0x16 when param1 == 0x43 && data.Length == 32:
                digest = data.ToArray();
                return (7, [0x00]);
            case 0x16 when param1 == 0x03 && data.Length == 32:
                tempKey = data.ToArray();
                tempKeySlot = null;
                return (7, [0x00]);
            case 0x40 when param1 is 0x00 or 0x04 or 0x08 && param2 < 16:
                (int time, byte[] content) = GenerateKey(param2, param1 == 0x04);
                return param1 == 0x08 && content.Length == 64 ? DigestKey(param2, time, content) : (time, content);
            case 0x41 when param1 == 0x40 && param2 < 16:
                return SignInternal(param2);
            case 0x41 when param1 == 0xA0 && param2 < 16:
                return Sign(param2);
            case 0x24 when param1 <= 1 && param2 < 2:
                return Count(param2, param1 == 1);
            default:
                return (1, [0x03]);
        }
    }

    // Serial number and revision (bytes 0-15) and the word with the locks (84-87) are written by no Write.
    private byte WriteConfiguration(int offset, ReadOnlySpan<byte> word)
    {
        if (Configuration[87] != 0x55 || offset < 16 || offset == 84)
        {
            return 0x0F;
        }

        if (!Take(ChipFault.WriteIsLost))
        {
            word.CopyTo(Configuration.AsSpan(offset));
        }

        return 0x00;
    }

    // Mode 0x00: configuration, when the checksum of the zone is the given one; 0x81: data, unchecked, after the
    // configuration; bits 1 and 2-5: one slot, when its KeyConfig says that it may be locked.
    private byte Lock(byte mode, ushort checksum)
    {
        int slot = mode >> 2;
        (bool isPermitted, int at, int value) = mode switch
        {
            0x00 => (Configuration[87] == 0x55 && checksum == Crc(Configuration), 87, 0),
            0x81 => (Configuration[87] == 0 && Configuration[86] == 0x55, 86, 0),
            _ when (mode & 0xC3) == 0x02 => (
                Configuration[86] == 0 && !IsSlotLocked(slot) && (Configuration[96 + (2 * slot)] & 0x20) != 0,
                88 + (slot / 8), Configuration[88 + (slot / 8)] & ~(1 << (slot % 8))),
            _ => (false, 0, 0),
        };
        if (!isPermitted)
        {
            return 0x0F;
        }

        Configuration[at] = (byte)value;
        return 0x00;
    }

    private bool IsSlotLocked(int slot) => (Configuration[88 + (slot / 8)] >> (slot % 8) & 1) == 0;

    private (int Milliseconds, byte[] Content) GenerateKey(int slot, bool create)
    {
        bool permitted = Configuration[87] != 0x55 && (Configuration[21 + (2 * slot)] & 0x20) != 0
            && !IsSlotLocked(slot);
        if (create ? !permitted : !keys.ContainsKey(slot))
        {
            return (1, [0x0F]);
        }

        if (create)
        {
            keys[slot] = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        }

        ECParameters parameters = keys[slot].ExportParameters(includePrivateParameters: false);
        return (create ? 115 : 60, [.. parameters.Q.X!, .. parameters.Q.Y!]);
    }

    private (int Milliseconds, byte[] Content) Sign(int slot)
    {
        bool permitted = (Configuration[20 + (2 * slot)] & 0x01) != 0;
        if (digest is null || !permitted || Configuration[86] == 0x55 || !keys.TryGetValue(slot, out ECDsa? key))
        {
            return (1, [0x0F]);
        }

        Signatures++;
        return (SignMs, key.SignHash(digest, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    // GenKey with bit 3 of its mode: 128 bytes are hashed into TempKey, the public key at their end.
    private (int Milliseconds, byte[] Content) DigestKey(int slot, int milliseconds, byte[] publicKey)
    {
        if (tempKey is null)
        {
            return (1, [0x0F]);
        }

        byte[] block = new byte[128];
        tempKey.CopyTo(block, 0);
        (block[32], block[33], block[34]) = (0x40, 0x08, (byte)slot);
        (block[36], block[37], block[38]) = (Configuration[12], Configuration[0], Configuration[1]);
        publicKey.CopyTo(block, 64);
        tempKey = SHA256.HashData(block);
        tempKeySlot = slot;
        return (milliseconds, publicKey);
    }

    // Bit 1 of a slot's ReadKey permits it. The layout is the data sheet's table of internally generated messages.
    private (int Milliseconds, byte[] Content) SignInternal(int slot)
    {
        if (tempKey is null || tempKeySlot is not { } about || Configuration[86] == 0x55
            || (Configuration[20 + (2 * slot)] & 0x02) == 0 || !keys.TryGetValue(slot, out ECDsa? key))
        {
            return (1, [0x0F]);
        }

        byte[] message = new byte[55];
        tempKey.CopyTo(message, 0);
        (message[32], message[33], message[34]) = (0x41, 0x40, (byte)slot);
        Configuration.AsSpan(20 + (2 * about), 2).CopyTo(message.AsSpan(36));
        Configuration.AsSpan(96 + (2 * about), 2).CopyTo(message.AsSpan(38));
        message[40] = (byte)(about + 16 + 64); // slot, source of the nonce: input, made by GenKey
        message[43] = Configuration[12];
        Configuration.AsSpan(8, 4).CopyTo(message.AsSpan(44));
        Configuration.AsSpan(0, 4).CopyTo(message.AsSpan(48));
        message[52] = (byte)((BinaryPrimitives.ReadUInt16LittleEndian(Configuration.AsSpan(88)) >> about) & 1);
        tempKey = null;
        Signatures++;
        return (SignMs, key.SignData(
            message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    private (int Milliseconds, byte[] Content) Count(int counter, bool increment)
    {
        if (increment && counters[counter] == 2_097_151)
        {
            return (1, [0x0F]);
        }

        counters[counter] += increment ? 1u : 0u;
        byte[] value = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(value, counters[counter]);
        return (20, value);
    }

    private sealed class Line(FakeAtecc608 chip, I2cConnectionSettings settings, bool isWakeLine) : I2cDevice
    {
        public override I2cConnectionSettings ConnectionSettings => settings;

        public override void Read(Span<byte> buffer)
        {
            FailWhenStuck();
            chip.OnRead(buffer);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            FailWhenStuck();
            if (isWakeLine)
            {
                chip.OnWakePulse();
            }

            chip.OnWrite(buffer);
        }

        public override void WriteRead(ReadOnlySpan<byte> writeBuffer, Span<byte> readBuffer)
        {
            Write(writeBuffer);
            Read(readBuffer);
        }

        // A byte goes the same way as a block; the base class would allocate.
        public override void WriteByte(byte value) => Write([value]);

        private void FailWhenStuck()
        {
            if (chip.faults.ContainsKey(ChipFault.StuckBus))
            {
                throw new IOException("Error 110 performing I2C data transfer.");
            }
        }
    }
}
