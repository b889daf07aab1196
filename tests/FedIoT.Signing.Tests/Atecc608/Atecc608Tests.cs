using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Signing.Atecc608;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Atecc608;

/// <summary>The ATECC608 driver against a protocol-exact fake chip.</summary>
public sealed class Atecc608Tests : SignerContract, IDisposable
{
    private readonly ChipClock clock = new();
    private readonly List<FakeAtecc608> chips = [];
    private readonly byte[] signature = new byte[64];

    public void Dispose() => chips.ForEach(c => c.Dispose());

    [Fact]
    public void Crc_OfTheWakeAnswer_IsTheDataSheets() =>
        Assert.Equal(0x4333, Atecc608Packet.Crc([0x04, 0x11]));

    [Theory]
    [InlineData(ChipFault.WakeFailure)]
    [InlineData(ChipFault.Nack)]
    [InlineData(ChipFault.WrongCrc)]
    [InlineData(ChipFault.WrongCrcOnTheWire)]
    [InlineData(ChipFault.Truncated)]
    [InlineData(ChipFault.Busy)]
    [InlineData(ChipFault.WatchdogSleep)]
    [InlineData(ChipFault.WatchdogWarning)]
    [InlineData(ChipFault.DamagedCommand)]
    [InlineData(ChipFault.EccFault)]
    public void Sign_FaultThatPasses_IsRetriedAndGivesAValidSignature(ChipFault fault)
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using (signer)
        {
            for (int times = 1; times <= 2; times++)
            {
                chip.Inject(fault, times);
                signer.Sign("m"u8, signature);
                Assert.True(signer.PublicKey.Verify("m"u8, signature), $"{fault} {times} times");
                Assert.False(chip.IsAwake);
            }
        }
    }

    [Theory]
    [InlineData(ChipFault.WakeFailure, SignerFault.Absent)]
    [InlineData(ChipFault.Nack, SignerFault.Communication)]
    [InlineData(ChipFault.WrongCrc, SignerFault.Communication)]
    [InlineData(ChipFault.Truncated, SignerFault.Communication)]
    [InlineData(ChipFault.Busy, SignerFault.Busy)]
    [InlineData(ChipFault.WatchdogSleep, SignerFault.Busy)]
    [InlineData(ChipFault.WatchdogWarning, SignerFault.Busy)]
    [InlineData(ChipFault.DamagedCommand, SignerFault.Communication)]
    [InlineData(ChipFault.EccFault, SignerFault.Busy)]
    [InlineData(ChipFault.StuckBus, SignerFault.Absent)]
    [InlineData(ChipFault.SelfTestFailure, SignerFault.Broken)]
    public void Sign_FaultThatStays_IsATypedErrorThenTheChipRecovers(ChipFault fault, SignerFault expected)
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using (signer)
        {
            chip.Inject(fault, int.MaxValue);
            signature.AsSpan().Fill(0x77);
            TimeSpan start = clock.Elapsed;
            var error = Assert.Throws<SignerException>(() => signer.Sign("m"u8, signature));
            Assert.Equal(expected, TokenException.FaultOf(error));
            Assert.All(signature, b => Assert.Equal(0x77, b));
            Assert.InRange(clock.Elapsed - start, TimeSpan.Zero, TimeSpan.FromSeconds(6));
            chip.Heal();
            signer.Sign("m"u8, signature);
            Assert.True(signer.PublicKey.Verify("m"u8, signature));
        }
    }

    [Theory]
    [InlineData(60, 150)]
    [InlineData(665, 780)] // the slowest clock divider
    public void Sign_ChipOfAnySpeed_TakesItsTimeAndLittleMore(int signMs, int expectedMax)
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using (signer)
        {
            chip.SignMs = signMs;
            TimeSpan start = clock.Elapsed;
            signer.Sign("m"u8, signature);
            Assert.InRange((clock.Elapsed - start).TotalMilliseconds, signMs, expectedMax);
            Assert.Equal(1, chip.Signatures);
        }
    }

    [Fact]
    public void Sign_ManySignatures_AllHaveLowS()
    {
        (_, Atecc608Signer signer) = Make();
        using (signer)
        {
            for (int i = 0; i < 64; i++)
            {
                signer.Sign([(byte)i], signature);
                Assert.True(signer.PublicKey.Verify([(byte)i], signature), $"signature {i}");
            }
        }
    }

    [Fact]
    public void Sign_Signature_VerifiesWithThePlatformsOwnEcdsa()
    {
        (_, Atecc608Signer signer) = Make();
        using (signer)
        using (ECDsa platform = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint
            {
                X = signer.PublicKey.Bytes[..32].ToArray(),
                Y = signer.PublicKey.Bytes[32..].ToArray(),
            },
        }))
        {
            signer.Sign("message"u8, signature);
            Assert.True(platform.VerifyData("message"u8, signature, HashAlgorithmName.SHA256));
        }
    }

    [Fact]
    public void Sign_ChipReplacedByAnother_IsRefused()
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using (signer)
        {
            chip.ReplaceKeys();
            using var driver = new Atecc608Chip(chip.Chip, chip.WakeLine, clock);
            driver.CreateKey(0);
            var error = Assert.Throws<SignerException>(() => signer.Sign("m"u8, signature));
            Assert.Equal(SignerFault.KeyMissing, TokenException.FaultOf(error));
        }
    }

    [Theory]
    [InlineData(87, 0x55, "configuration zone is not locked")]
    [InlineData(86, 0x55, "data zone is not locked")]
    [InlineData(96, 0x32, "not configured for a secret P-256")] // no private key
    [InlineData(96, 0x3B, "not configured for a secret P-256")] // another key type
    [InlineData(20, 0x03, "not configured for a secret P-256")] // not secret
    [InlineData(20, 0x82, "may not sign digests from outside")]
    public void Open_ChipNotSetUpForIt_SaysWhatIsMissing(int at, byte value, string expected)
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        signer.Dispose();
        chip.Configuration[at] = value;
        var error = Assert.Throws<SignerException>(() => Atecc608Signer.Open(Driver(chip), 0));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(SignerFault.KeyUnsuitable, TokenException.FaultOf(error));
    }

    [Fact]
    public void Open_EmptySlot_IsRefusedByTheChipOnce()
    {
        FakeAtecc608 chip = NewChip();
        var error = Assert.Throws<SignerException>(() => Atecc608Signer.Open(Driver(chip), 5));
        Assert.Equal(SignerFault.Refused, TokenException.FaultOf(error));
        Assert.Equal(0x0FUL, Assert.IsType<TokenException>(error.InnerException).Code);
    }

    [Fact]
    public void Create_SlotWithAKey_DestroysItOnlyIfItIsNamed()
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        AccountId account = signer.PublicKey.Account;
        signer.Dispose();
        foreach (AccountId? named in (AccountId?[])[null, new AccountId(Hash256.Of("another"u8))])
        {
            var error = Assert.Throws<SignerException>(() => Atecc608Signer.Create(Driver(chip), 0, named));
            Assert.Equal(SignerFault.Refused, TokenException.FaultOf(error));
            Assert.Contains($"holds the key of account {account}", error.Message, StringComparison.Ordinal);
            Assert.Equal(named is null, error.Message.Contains($"--replace {account}", StringComparison.Ordinal));
            using Atecc608Signer kept = Atecc608Signer.Open(Driver(chip), 0);
            Assert.Equal(account, kept.PublicKey.Account);
        }

        using Atecc608Signer replaced = Atecc608Signer.Create(Driver(chip), 0, account);
        Assert.NotEqual(account, replaced.PublicKey.Account);
        var empty = Assert.Throws<SignerException>(() => Atecc608Signer.Create(Driver(NewChip()), 0, account));
        Assert.Contains("holds no key", empty.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_SlotThatForbidsIt_KeepsItsKey()
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        signer.Dispose();
        chip.Configuration[21] = 0;
        Assert.Throws<SignerException>(() => Atecc608Signer.Create(Driver(chip), 0));
        using Atecc608Signer opened = Atecc608Signer.Open(Driver(chip), 0);
        Assert.Equal(signer.PublicKey, opened.PublicKey);
    }

    [Fact]
    public void Chip_SerialRevisionAndSlot_AreRead()
    {
        using Atecc608Chip driver = Driver(NewChip());
        Assert.Equal("0123a1b2c3d4e5f6ee", Convert.ToHexStringLower(driver.ReadSerialNumber()));
        Assert.Equal("00006003", Convert.ToHexStringLower(driver.ReadRevision()));
        Atecc608Slot slot = driver.ReadSlot(15);
        Assert.Null(slot.Problem);
        Assert.True(slot.MayGenerate);
    }

    [Fact]
    public void Counter_Incremented_GrowsUntilItsEnd()
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using (signer)
        {
            Assert.Equal(0, signer.ReadCounter());
            Assert.Equal(1, signer.IncrementCounter());
            Assert.Equal(1, signer.ReadCounter());
            chip.SetCounter(0, 2_097_151);
            Assert.Equal(signer.CounterMax, signer.ReadCounter());
            var error = Assert.Throws<SignerException>(() => signer.IncrementCounter());
            Assert.Equal(SignerFault.Refused, TokenException.FaultOf(error));
        }
    }

    [Theory]
    [InlineData(2_097_152)]
    [InlineData(uint.MaxValue)]
    public void Counter_ValueThatNoCounterReaches_IsADamagedAnswer(uint value)
    {
        (FakeAtecc608 chip, Atecc608Signer signer) = Make();
        using Atecc608Signer opened = signer;
        chip.SetCounter(0, value);
        SignerException error = Assert.Throws<SignerException>(() => signer.ReadCounter());
        Assert.Equal(SignerFault.Communication, TokenException.FaultOf(error));
    }

    [Fact]
    public void Packet_AnyBytesAsAnswer_NeverThrow()
    {
        var random = new FedIoT.Wire.SplitMix64(1);
        for (int round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(80)];
            bytes.AsSpan().Fill((byte)random.Next(256));
            if (bytes.Length > 0)
            {
                bytes[0] = (byte)random.Next(82);
            }

            bool accepted = Atecc608Packet.TryDecode(bytes, out ReadOnlySpan<byte> content);
            Assert.True(!accepted || content.Length == bytes[0] - 3);
        }
    }

    protected override ISigner CreateSigner() => Make().Signer;

    private (FakeAtecc608 Chip, Atecc608Signer Signer) Make()
    {
        FakeAtecc608 chip = NewChip();
        return (chip, Atecc608Signer.Create(Driver(chip), 0));
    }

    private FakeAtecc608 NewChip()
    {
        var chip = new FakeAtecc608(clock);
        chips.Add(chip);
        return chip;
    }

    private Atecc608Chip Driver(FakeAtecc608 chip) => new(chip.Chip, chip.WakeLine, clock);
}
