using FedIoT.Consensus;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>PIN wrong, token away, token back, other token: over a real module.</summary>
[Collection(Pkcs11Group.Name)]
public sealed class SoftHsmFaultTests : IDisposable
{
    private readonly SoftHsm hsm = new();
    private readonly FakeTimeProvider time = new();
    private readonly byte[] signature = new byte[64];

    public void Dispose() => hsm.Dispose();

    [Fact]
    public void Open_WrongPin_IsSentOnceAndTheRightOneIsFoundLater()
    {
        Pkcs11Signer.Create(hsm.Options(), time).Dispose();
        hsm.AddToken("t2");
        using Pkcs11Signer keepsModuleLoaded = Pkcs11Signer.Create(hsm.Options() with { TokenLabel = "t2" }, time);
        hsm.WritePin("0000");
        TokenException first = Refused(() => Pkcs11Signer.Open(hsm.Options(), time));
        Assert.Equal((SignerFault.PinRefused, 0xA0UL), (first.Fault, first.Code)); // CKR_PIN_INCORRECT
        Assert.Contains("The token counts wrong PINs", first.Message, StringComparison.Ordinal);
        TokenException second = Refused(() => Pkcs11Signer.Open(hsm.Options(), time));
        Assert.Equal((SignerFault.PinRefused, 0UL), (second.Fault, second.Code)); // nothing was sent
        Assert.Contains("not sent again", second.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("0000", first.ToString() + second, StringComparison.Ordinal);
        hsm.WritePin("1111");
        Assert.Equal(0xA0UL, Refused(() => Pkcs11Signer.Open(hsm.Options(), time)).Code);
        hsm.WritePin("0000"); // known to be wrong, though it is not the last one
        Assert.Equal(0UL, Refused(() => Pkcs11Signer.Open(hsm.Options(), time)).Code);
        hsm.WritePin(SoftHsm.Pin);
        using Pkcs11Signer opened = Pkcs11Signer.Open(hsm.Options(), time);
        opened.Sign("m"u8, signature);
        Assert.True(opened.PublicKey.Verify("m"u8, signature));
    }

    [Fact]
    public void Open_WrongPinAndModuleUnloadedBetween_IsStillSentOnce()
    {
        Pkcs11Signer.Create(hsm.Options(), time).Dispose();
        hsm.WritePin("0000");
        Assert.Equal(0xA0UL, Refused(() => Pkcs11Signer.Open(hsm.Options(), time)).Code);
        TokenException second = Refused(() => Pkcs11Signer.Open(hsm.Options(), time));
        Assert.Equal((SignerFault.PinRefused, 0UL), (second.Fault, second.Code));
    }

    [Fact]
    public void Sign_TokenMovedAwayAndBack_FailsTypedThenRecovers()
    {
        using Pkcs11Signer signer = Pkcs11Signer.Create(hsm.Options(), time);
        signer.Sign("m"u8, signature);
        hsm.MoveTokenAway();
        Restart();
        Assert.Equal(SignerFault.Absent, Refused(() => signer.Sign("m"u8, signature)).Fault);
        Restart();
        Assert.Equal(SignerFault.Absent, Refused(() => signer.Sign("m"u8, signature)).Fault);
        hsm.BringTokenBack();
        Restart();
        signer.Sign("again"u8, signature);
        Assert.True(signer.PublicKey.Verify("again"u8, signature));
    }

    [Fact]
    public void Sign_OtherTokenOfTheSameLabel_IsRefusedAsAnotherKey()
    {
        using Pkcs11Signer signer = Pkcs11Signer.Create(hsm.Options(), time);
        hsm.MoveTokenAway();
        Directory.CreateDirectory(hsm.Tokens);
        hsm.AddToken("t1");
        Assert.ThrowsAny<SignerException>(() => signer.Sign("m"u8, signature));
        Restart();
        using Pkcs11Signer impostor = Pkcs11Signer.Create(hsm.Options(), time);
        TokenException error = Refused(() => signer.Sign("m"u8, signature));
        Assert.Equal(SignerFault.KeyMissing, error.Fault);
        Assert.Contains("another key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoSignersOfOneModule_OneRestartsIt_BothStillSign()
    {
        using Pkcs11Signer one = Pkcs11Signer.Create(hsm.Options("one"), time);
        using Pkcs11Signer two = Pkcs11Signer.Create(hsm.Options("two"), time);
        hsm.MoveTokenAway();
        Restart();
        Assert.Equal(SignerFault.Absent, Refused(() => one.Sign("m"u8, signature)).Fault);
        hsm.BringTokenBack();
        Restart();
        one.Sign("m"u8, signature);
        Assert.True(one.PublicKey.Verify("m"u8, signature));
        two.Sign("m"u8, signature);
        Assert.True(two.PublicKey.Verify("m"u8, signature));
    }

    [Fact]
    public void Create_LabelInUse_IsRefusedAndKeepsTheKey()
    {
        using Pkcs11Signer made = Pkcs11Signer.Create(hsm.Options(), time);
        Assert.Equal(SignerFault.Refused, Refused(() => Pkcs11Signer.Create(hsm.Options(), time)).Fault);
        using Pkcs11Signer opened = Pkcs11Signer.Open(hsm.Options(), time);
        Assert.Equal(made.PublicKey, opened.PublicKey);
    }

    [Fact]
    public void Open_NoSuchModuleTokenKeyOrPin_SaysWhich()
    {
        Pkcs11Options good = hsm.Options();
        Pkcs11Signer.Create(good, time).Dispose();
        AssertFault(SignerFault.Absent, good with { ModulePath = "/nowhere/module.so" });
        AssertFault(SignerFault.Absent, good with { TokenLabel = "t9" });
        AssertFault(SignerFault.KeyMissing, good with { KeyLabel = "k9" });
        AssertFault(SignerFault.PinMissing, good with { Pin = null });
        AssertFault(SignerFault.PinMissing, good with { Pin = SecretSource.File("/nowhere/pin") });
        AssertFault(SignerFault.PinMissing, good with { Pin = SecretSource.Environment("FEDIOT_TEST_NO_PIN") });
        Tool.SetMode(hsm.PinFile, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        AssertFault(SignerFault.PinMissing, good);
    }

    [Fact]
    public void Open_ExtractableKey_IsRefused()
    {
        Tool.RequirePackages("opensc", "pkcs11-tool");
        Pkcs11Options options = hsm.Options("loose");
        Tool.Run(
            "pkcs11-tool", hsm.Variables, "--module", options.ModulePath, "--token-label", "t1",
            "--login", "--pin", SoftHsm.Pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "loose",
            "--extractable");
        AssertFault(SignerFault.KeyUnsuitable, options);
    }

    [Fact]
    public void Open_KeyOfAnotherCurve_IsRefused()
    {
        Tool.RequirePackages("opensc", "pkcs11-tool");
        Tool.Run(
            "pkcs11-tool", hsm.Variables, "--module", hsm.Options().ModulePath, "--token-label", "t1",
            "--login", "--pin", SoftHsm.Pin, "--keypairgen", "--key-type", "EC:secp384r1", "--label", "p384");
        AssertFault(SignerFault.KeyUnsuitable, hsm.Options("p384"));
    }

    [Theory]
    [InlineData(false, false, false, null)]
    [InlineData(false, false, true, SignerFault.PinRefused)]
    [InlineData(false, true, false, SignerFault.PinLastTry)]
    [InlineData(false, true, true, SignerFault.PinLastTry)]
    [InlineData(true, true, true, SignerFault.PinLocked)]
    [InlineData(true, false, false, SignerFault.PinLocked)]
    public void LoginRule_TokenThatCouldLock_GetsNoPin(bool locked, bool final, bool before, SignerFault? expected) =>
        Assert.Equal(expected, LoginRule.Objection(locked, final, before));

    [Fact]
    public void Sign_ManySignatures_AllHaveLowS()
    {
        using Pkcs11Signer signer = Pkcs11Signer.Create(hsm.NewKey(SignatureAlgorithm.Es256), time);
        for (int i = 0; i < 64; i++)
        {
            signer.Sign([(byte)i], signature); // half of them come out of the token with a high s
            Assert.True(signature[32] < 0x80, $"signature {i}");
            Assert.True(signer.PublicKey.Verify([(byte)i], signature));
        }
    }

    private static TokenException Refused(Action action) =>
        Assert.IsType<TokenException>(Assert.Throws<SignerException>(action).InnerException);

    private void AssertFault(SignerFault expected, Pkcs11Options options) =>
        Assert.Equal(expected, Refused(() => Pkcs11Signer.Open(options, time)).Fault);

    private void Restart() => time.Advance(TimeSpan.FromSeconds(2)); // a restart of the module is permitted again
}
