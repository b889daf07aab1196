using FedIoT.Consensus;
using FedIoT.Signing.Pkcs11;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>A token that lies, goes away or fails in ways that SoftHSM2 alone never shows.</summary>
[Collection(Pkcs11Group.Name)]
public sealed class FaultyTokenTests : IDisposable
{
    private const ulong Sensitive = 0x103;
    private const ulong Point = 0x181;

    private readonly FaultyToken token = new();
    private readonly FakeTimeProvider time = new();
    private readonly byte[] signature = new byte[64];

    public void Dispose() => token.Dispose();

    [Fact]
    public void Open_TokenIsBackAndAnIdleSignerKeepsTheModule_RestartsIt()
    {
        using Pkcs11Signer idle = Pkcs11Signer.Create(token.Options("training"), time);
        using WatchedSigner node = WatchedSigner.Open(
            () => Pkcs11Signer.Open(token.Options("node"), time), Made("node"), hasCounter: false, time);
        node.Sign("m"u8, signature);
        token.Set(("gone", 1));
        for (int i = 0; i < 4; i++)
        {
            Assert.Throws<SignerException>(() => node.Sign("m"u8, signature));
            time.Advance(TimeSpan.FromSeconds(20));
        }

        token.Set();
        node.Sign("again"u8, signature);
        Assert.True(node.PublicKey.Verify("again"u8, signature));
        idle.Sign("idle"u8, signature);
        Assert.True(idle.PublicKey.Verify("idle"u8, signature));
    }

    [Fact]
    public void Open_TokenThatIsNotThereBesideASignerThatWorks_LeavesItsSessionAlone()
    {
        using Pkcs11Signer working = Pkcs11Signer.Create(token.Options(), time);
        working.Sign("m"u8, signature);
        long logins = token.Logins;
        for (int i = 0; i < 3; i++)
        {
            AssertTyped(() => Pkcs11Signer.Open(token.Options() with { TokenLabel = "t9" }, time).Dispose());
            time.Advance(TimeSpan.FromSeconds(9));
        }

        working.Sign("m"u8, signature);
        Assert.Equal(logins, token.Logins); // a restart would have ended the session
    }

    [Fact]
    public void Acquire_OneLibraryByTwoNames_IsOneModule()
    {
        string link = Path.Combine(Path.GetTempPath(), $"fediot-link-{Guid.CreateVersion7():n}.so");
        File.CreateSymbolicLink(link, token.ModulePath);
        try
        {
            using Pkcs11Module one = Pkcs11Module.Acquire(token.ModulePath);
            using Pkcs11Module two = Pkcs11Module.Acquire(link);
            Assert.Same(one, two); // C_Finalize of one would end the sessions of the other in the middle of a call
        }
        finally
        {
            File.Delete(link);
        }
    }

    [Theory]
    [InlineData("attribute", Sensitive, "attribute_length", 8)]
    [InlineData("attribute", Point, "attribute_length", 3)]
    [InlineData("attribute", Point, "attribute_length", 0x7fffffffffffffff)]
    [InlineData("attribute", Point, "attribute_length", 0x100000000)]
    [InlineData("get_attributes", 0x30, "", 0)] // CKR_DEVICE_ERROR
    [InlineData("find", 0x30, "", 0)]
    [InlineData("login", 0x06, "", 0)]
    [InlineData("login", 0xdeadbeef, "", 0)] // no number of the standard
    public void Open_TokenThatAnswersNonsense_IsATypedError(string name, ulong value, string second, ulong more)
    {
        Made("node");
        token.Set([(name, value), .. second.Length > 0 ? [(second, more)] : Array.Empty<(string, ulong)>()]);
        AssertTyped(() => Pkcs11Signer.Open(token.Options(), time).Dispose());
        token.Set();
        using Pkcs11Signer opened = Pkcs11Signer.Open(token.Options(), time);
        opened.Sign("m"u8, signature);
    }

    [Theory]
    [InlineData("sign_length", 1)]
    [InlineData("sign_length", 63)]
    [InlineData("sign_length", 65)]
    [InlineData("sign_length", 0x100000000)]
    [InlineData("sign_length", 0xffffffffffffffff)]
    [InlineData("sign_zero", 1)]
    [InlineData("sign", 0x32)] // CKR_DEVICE_REMOVED
    [InlineData("sign", 0xb3)] // CKR_SESSION_HANDLE_INVALID
    [InlineData("sign", 0x101)] // CKR_USER_NOT_LOGGED_IN
    [InlineData("sign", 0x190)] // CKR_CRYPTOKI_NOT_INITIALIZED
    [InlineData("sign", 0x150)] // CKR_BUFFER_TOO_SMALL
    [InlineData("sign", 0xdeadbeef)]
    public void Sign_TokenThatAnswersNonsense_IsATypedErrorThenItRecovers(string name, ulong value)
    {
        using Pkcs11Signer signer = Pkcs11Signer.Create(token.Options(), time);
        token.Set((name, value));
        AssertTyped(() => signer.Sign("m"u8, signature));
        time.Advance(TimeSpan.FromSeconds(20));
        token.Set();
        signer.Sign("m"u8, signature);
        Assert.True(signer.PublicKey.Verify("m"u8, signature));
    }

    [Fact]
    public void Open_StrangeCardInAnotherReader_FindsTheKeyAllTheSame()
    {
        Made("node");
        token.Set(("strange_card", 1));
        using Pkcs11Signer opened = Pkcs11Signer.Open(token.Options(), time);
        opened.Sign("m"u8, signature);
        Assert.Contains(Pkcs11Inventory.Read(token.ModulePath), t => t.Label == "t1");
        SignerException error = Assert.Throws<SignerException>(
            () => Pkcs11Signer.Open(token.Options() with { TokenLabel = "t9" }, time));
        Assert.Contains("one that does not say what it is", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_PublicHalfIsLeftOfADeletedKey_IsRefusedAndMakesNothing()
    {
        Tool.RequirePackages("opensc", "pkcs11-tool");
        Made("node");
        Tool.Run(
            "pkcs11-tool", token.Variables, "--module", token.ModulePath, "--token-label", "t1", "--login", "--pin",
            SoftHsm.Pin, "--delete-object", "--type", "privkey", "--label", "node");
        for (int i = 0; i < 2; i++)
        {
            SignerException error = Assert.Throws<SignerException>(() => Pkcs11Signer.Create(token.Options(), time));
            Assert.Equal(SignerFault.Refused, TokenException.FaultOf(error));
            Assert.Contains("public half", error.Message, StringComparison.Ordinal);
        }

        using Pkcs11Signer other = Pkcs11Signer.Create(token.Options("other"), time); // the next step that it names
    }

    private FedIoT.Wire.Cose.VerifyingKey Made(string key)
    {
        using Pkcs11Signer made = Pkcs11Signer.Create(token.Options(key), time);
        return made.PublicKey;
    }

    private static void AssertTyped(Action action) =>
        Assert.NotNull(TokenException.FaultOf(Assert.Throws<SignerException>(action)));
}
