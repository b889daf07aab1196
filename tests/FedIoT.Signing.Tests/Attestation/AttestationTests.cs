using System.Security.Cryptography;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Attestation;
using FedIoT.Signing.Tests.Atecc608;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Attestation;

/// <summary>The format of attestations, and what a chip's own statement proves.</summary>
public sealed class AttestationTests : IDisposable
{
    private const int AttesterSlot = 3;

    // docs/spec/attestation.md: the key of seed 00..1f, challenge a0..bf, a token's words.
    private const string GoldenToken =
        "845826a2012704582056475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708ca0587284015820"
        + "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf8227582003a107bff3ce10be1d70dd18"
        + "e74bc09967e4d6309ba50d5f1ddc8664125531b88b01654d616b6572674d6f64656c2031703031323334353637383961"
        + "62636465660100010102191040f658404415d13db4892f79c4b5aef213d8727f955ddcf02fc4ae33cde9be1786252a0d"
        + "90c42fb95b1c8fcc86a8cfa7efb2f701b4665e44ff537df9c7cfc421637f9901";

    // The same challenge, answered by a fake chip with an attestation key in slot 3.
    private const string GoldenChip =
        "845826a20126045820d6d87bd8db9ff8451bcd31337bb6e5bcedf17d1432921e51519df50e957b39dda0590173840158"
        + "20a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf8226584050d2ffdb17babfbb01413c"
        + "9d48f4bec4b88033f013ddee9de71fb7e9e036ce844c38bee5f56a5eb81972ece418bae6952d2eef412f4e9c45ccecc1"
        + "ebc862d94b84020058800123a1b200000000c3d4e5f6ee00000000000000832083208320822083208320832083208320"
        + "832083208320832083208320832000000000000000000000000000000000000000000000000000000000000000000000"
        + "0000000000000000000033003300330033003300330033003300330033003300330033003300330033008303584011a3"
        + "920b802722e6456d9b8ed1910f68cb1cce271fcec9c6b1f72c6bbdaaf42be514ca6eb650e7e2c55419d1ab4fc93962d4"
        + "18479216ea4a60992197e85fc8dd584025f2bb4112a03589d68a0fa63c671dcfb5a296efcf33a7c2730077cbc008beb6"
        + "247e389ceddf872adc3a01a1f954337fabcbf399d94988cf42c224578ef4809958407160e87179aef948b9f79a8c203e"
        + "0819565b14f7bedeee1d0bff0259ed91404078d8d25a9cfd50ce68f27e7140443e4de961c7545c0588cfc9315a4d3711"
        + "b528";

    // The same challenge, answered by a TPM in software with its certificate of the key.
    private const string GoldenTpm =
        "845826a20126045820473be63bc4881c577918a1341078d68f5b08bc1ec59d77349c2463447e744ba4a0590200840158"
        + "20a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf8226584039d56ecc5ac4b06f9572b3"
        + "85ee8d172488e89b2eadd6b4f82bc49f073b2d6d2a063270a8b3fb623b0ad67b86221f9de47d0a2783772f27dbc6f77c"
        + "cc21ef843f8b016349424d68535720202054504d70303030303030303030303030303030300100010101191040845856"
        + "0023000b0006007200000010001000030010002039d56ecc5ac4b06f9572b385ee8d172488e89b2eadd6b4f82bc49f07"
        + "3b2d6d2a0020063270a8b3fb623b0ad67b86221f9de47d0a2783772f27dbc6f77ccc21ef843f5891ff54434780170022"
        + "000bb3c46a5dac7fa78028db7665edac32b26575c6eb6f63a7073e3956a54eae36dd000400ff55aa000000000000154e"
        + "00000001000000000120191023001636360022000b41dc76d7930d2077b075e6da605ab706a87b0356b0a71e2607f9af"
        + "7413cff7f20022000bd50de3b46cde58cef40bac104724ff50c477a6286050ea07046460b8c897cbd958407ad569ff98"
        + "0dab06b90fd3737e5b892c8c9f1a7ec278cedabfc28de52ee36f7af6092c232ab6558db2ae9d23dd1e9a74b7ed4b1430"
        + "d08a49c12a23a440ab6c665840782c9914f7aa5dcd806b804e0c64d674d1ac3faf828a6ec9068f05797e122292628043"
        + "8260b5ee275c85c92f715c255ae02960513d8acb632388eedc1c3ace465840a7b3e1990f0f17ead2b77ee998fd047b5c"
        + "0504f8b1f043e26545abdc01f813127703c1ac5e9641682a366804812a20070b5dd169dc523a260907034c7a9f9fff";

    private static readonly Pkcs11Evidence Token = new(
        "Maker", "Model 1", "0123456789abcdef", TokenAnswer.Yes, TokenAnswer.No, TokenAnswer.Yes, TokenAnswer.Yes,
        TokenAnswer.None, 0x1040);

    private readonly ChipClock clock = new();
    private readonly FakeAtecc608 chip;

    public AttestationTests() => chip = new FakeAtecc608(clock);

    private static byte[] Challenge => [.. Enumerable.Range(0xA0, 32).Select(i => (byte)i)];

    public void Dispose() => chip.Dispose();

    [Fact]
    public void Golden_TokenChipAndTpm_AreTheBytesOfTheSpecification()
    {
        using Ed25519Signer key = SeedKey();
        Assert.Equal(GoldenToken, Convert.ToHexStringLower(KeyAttestation.Sign(key, Challenge, Token)));
        Assert.True(KeyAttestation.TryDecode(Convert.FromHexString(GoldenToken), out KeyAttestation? token));
        Assert.Equal(Token, token!.Evidence);
        Assert.Equal(AttestationLevel.Claimed, token.Check(Challenge, key.PublicKey.Account, []).Level);
        foreach (string golden in (string[])[GoldenChip, GoldenTpm])
        {
            Assert.True(KeyAttestation.TryDecode(Convert.FromHexString(golden), out KeyAttestation? read));
            Assert.Equal(AttestationLevel.Proved, read!.Check(
                Challenge, read.Key.Account, [read.Evidence.Attester!]).Level);
        }
    }

    [Fact]
    public void Check_AnyBitOfAnAttestationTurned_IsRefusedAndNothingThrows()
    {
        foreach (string golden in (string[])[GoldenToken, GoldenChip, GoldenTpm])
        {
            byte[] bytes = Convert.FromHexString(golden);
            Assert.True(KeyAttestation.TryDecode(bytes, out KeyAttestation? whole));
            VerifyingKey[] roots = whole!.Evidence.Attester is { } attester ? [attester] : [];
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(
                    !KeyAttestation.TryDecode(bytes, out KeyAttestation? read)
                        || read!.Check(Challenge, whole.Key.Account, roots).Level == AttestationLevel.Refused,
                    $"bit {bit} turned");
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }

    [Fact]
    public void TryDecode_CutJoinedOrScatteredBytes_AreRefusedAndNothingThrows()
    {
        const ulong seed = 7;
        var random = new SplitMix64(seed);
        byte[][] valid = [.. new[] { GoldenToken, GoldenChip, GoldenTpm }.Select(Convert.FromHexString)];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] first = valid[random.Next(3)];
            byte[] second = valid[random.Next(3)];
            byte[] bytes = random.Next(3) switch
            {
                0 => first[..random.Next(first.Length)],
                1 => [.. first[..random.Next(first.Length)], .. second[random.Next(second.Length)..]],
                _ => [.. first],
            };
            for (int hits = random.Next(4); hits > 0 && bytes.Length > 0; hits--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            if (KeyAttestation.TryDecode(bytes, out KeyAttestation? read)
                && !valid.Any(v => v.AsSpan().SequenceEqual(bytes)))
            {
                Assert.Equal(AttestationLevel.Refused, read!.Check(Challenge, null, []).Level);
            }
        }

        Assert.False(KeyAttestation.TryDecode(new byte[KeyAttestation.BytesMax + 1], out _));
    }

    [Fact]
    public void Check_KeyOfAnAttestationKeyAmongTheRoots_IsProvedAndElseClaimed()
    {
        using Atecc608Signer signer = AttestedSigner();
        KeyAttestation read = Attest(signer);
        VerifyingKey attester = Assert.IsType<Atecc608Evidence>(read.Evidence).Attester!;
        Assert.NotEqual(signer.PublicKey, attester);
        Assert.Equal(AttestationLevel.Proved, read.Check(Challenge, signer.PublicKey.Account, [attester]).Level);
        Assert.Equal(AttestationLevel.Claimed, read.Check(Challenge, signer.PublicKey.Account, []).Level);
        Assert.Equal(
            AttestationLevel.Claimed, read.Check(Challenge, null, [signer.PublicKey]).Level);
        Assert.Contains(new("madeInside", true), read.Evidence.Claims);
        Assert.Contains(new("serialNumber", "0123a1b2c3d4e5f6ee"), read.Evidence.Identity);
    }

    [Fact]
    public void Check_StatementMadeUpByWhoHoldsTheNodeKey_IsNotProved()
    {
        using Atecc608Signer signer = AttestedSigner();
        KeyAttestation read = Attest(signer);
        var honest = Assert.IsType<Atecc608Evidence>(read.Evidence);
        VerifyingKey attester = honest.Attester!;

        // A configuration that the chip does not have, or in which its witness may sign what it is given; another
        // challenge's statement; the node key as its own witness.
        byte[] configuration = honest.Configuration.ToArray();
        configuration[88] ^= 1;
        byte[] loose = honest.Configuration.ToArray();
        loose[20 + (2 * AttesterSlot)] |= 1;
        byte[] self = new byte[64];
        signer.Sign(honest.Message(Challenge, signer.PublicKey, 0), self);
        byte[] late = Challenge;
        late[0] ^= 1;
        var older = (Atecc608Evidence)signer.ReadEvidence(late);
        foreach (Atecc608Evidence lie in (Atecc608Evidence[])
        [
            honest with { Configuration = configuration }, honest with { Configuration = loose }, older,
            honest with { Slot = 1 },
            honest with { Proof = new Atecc608Proof(0, signer.PublicKey, self) },
            honest with { Proof = new Atecc608Proof(1, signer.PublicKey, self) },
            honest with { Proof = new Atecc608Proof(AttesterSlot, signer.PublicKey, self) },
        ])
        {
            Assert.True(KeyAttestation.TryDecode(KeyAttestation.Sign(signer, Challenge, lie), out read!));
            Assert.Equal(AttestationLevel.Refused, read.Check(Challenge, null, [attester]).Level);
        }
    }

    [Fact]
    public void Check_KeyThatVouchesForItself_IsNotProvedThoughItIsAmongTheRoots()
    {
        using Atecc608Signer signer = AttestedSigner();
        var honest = Assert.IsType<Atecc608Evidence>(Attest(signer).Evidence);
        byte[] self = new byte[64];
        signer.Sign(honest.Message(Challenge, signer.PublicKey, AttesterSlot), self);
        Atecc608Evidence lie = honest with { Proof = new Atecc608Proof(AttesterSlot, signer.PublicKey, self) };
        Assert.True(KeyAttestation.TryDecode(KeyAttestation.Sign(signer, Challenge, lie), out KeyAttestation? read));
        AttestationVerdict verdict = read!.Check(Challenge, null, [signer.PublicKey]); // put there by mistake
        Assert.Equal(AttestationLevel.Refused, verdict.Level);
        Assert.Contains("vouches for itself", verdict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_KeyThatTheTokenLetsOut_IsRefused()
    {
        using Ed25519Signer key = SeedKey();
        foreach (Pkcs11Evidence loose in (Pkcs11Evidence[])
        [
            Token with { Sensitive = TokenAnswer.No }, Token with { Sensitive = TokenAnswer.None },
            Token with { Extractable = TokenAnswer.Yes }, Token with { Extractable = TokenAnswer.None },
        ])
        {
            Assert.True(KeyAttestation.TryDecode(KeyAttestation.Sign(key, Challenge, loose), out KeyAttestation? read));
            Assert.Equal(AttestationLevel.Refused, read!.Check(Challenge, null, []).Level);
        }
    }

    [Fact]
    public void TryDecode_TextThatATerminalWouldObey_IsRefused()
    {
        using Ed25519Signer key = SeedKey();
        foreach (string text in (string[])["\u001b[2J", "trailing ", "é", new string('x', 33)])
        {
            Assert.False(KeyAttestation.TryDecode(
                KeyAttestation.Sign(key, Challenge, Token with { Model = text }), out _), text);
        }
    }

    [Fact]
    public void Create_KeyOfAChip_MakesTheAttestationKeyOnceAndKeepsIt()
    {
        using Atecc608Signer signer = AttestedSigner();
        VerifyingKey first = Attest(signer).Evidence.Attester!;
        using Atecc608Signer again = Atecc608Signer.Create(Driver(), 0, signer.PublicKey.Account);
        Assert.NotEqual(signer.PublicKey, again.PublicKey);
        Assert.Equal(first, Attest(again).Evidence.Attester);
    }

    [Fact]
    public void Attest_ChipThatIsDisturbed_StillGivesAValidStatement()
    {
        using Atecc608Signer signer = AttestedSigner();
        foreach (ChipFault fault in (ChipFault[])[
            ChipFault.Nack, ChipFault.WrongCrc, ChipFault.Busy, ChipFault.EccFault, ChipFault.WakeFailure])
        {
            chip.Inject(fault, 1);
            KeyAttestation read = Attest(signer);
            Assert.Equal(AttestationLevel.Proved, read.Check(Challenge, null, [read.Evidence.Attester!]).Level);
        }

        chip.SignMs = 665; // with GenKey in one waking it would outlast the watchdog of the slowest setting
        Assert.Equal(AttestationLevel.Claimed, Attest(signer).Check(Challenge, null, []).Level);
    }

    private static Ed25519Signer SeedKey() =>
        Ed25519Signer.FromSeed([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    private static KeyAttestation Attest(Atecc608Signer signer) =>
        KeyAttestation.TryDecode(KeyAttestation.Create(signer, Challenge), out KeyAttestation? read)
            ? read!
            : throw new CryptographicException("The attestation cannot be read.");

    private Atecc608Signer AttestedSigner()
    {
        chip.ReserveForAttestation(AttesterSlot);
        return Atecc608Signer.Create(Driver(), 0);
    }

    private Atecc608Chip Driver() => new(chip.Chip, chip.WakeLine, clock);
}
