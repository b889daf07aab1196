using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Keys;
using FedIoT.Signing.Tests.Pkcs11;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Keys;

/// <summary>The verbs <c>fediot keys …</c> as a user types them.</summary>
[Collection(Pkcs11Group.Name)]
public sealed class KeysCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-keys-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void CreateListTest_KeyFile_TellTheSameKey()
    {
        string address = "file:" + Path.Combine(folder, "node.key");
        JsonElement made = RunJson(ExitCode.Success, "create", address);
        Assert.Equal(
            ("fediot.keys/1", "create", "ed25519"),
            (Text(made, "schema"), Text(made, "verb"), Text(made, "algorithm")));
        using Ed25519Signer opened = Ed25519Signer.Open(Path.Combine(folder, "node.key"));
        Assert.Equal(Convert.ToHexStringLower(opened.PublicKey.Bytes), Text(made, "publicKey"));
        Assert.Equal(opened.PublicKey.Account.ToString(), Text(made, "account"));

        File.WriteAllText(Path.Combine(folder, "broken.key"), "no key");
        JsonElement.ArrayEnumerator listed = RunJson(ExitCode.Success, "list", "--folder", folder)
            .GetProperty("keys").EnumerateArray();
        Assert.Equal(2, listed.Count());
        Assert.Equal(Text(made, "account"), Text(listed.Last(), "account"));
        Assert.Equal(JsonValueKind.Null, listed.First().GetProperty("account").ValueKind);
        Assert.Contains("broken.key", Text(listed.First(), "problem"), StringComparison.Ordinal);

        JsonElement test = RunJson(ExitCode.Success, "test", address, "--count", "20", "--block-time-ms", "60000");
        Assert.True(test.GetProperty("fastEnough").GetBoolean());
        Assert.True(test.GetProperty("exportable").GetBoolean());
        Assert.Equal(20, test.GetProperty("signatures").GetInt32());
        Assert.True(test.GetProperty("signaturesPerSecond").GetDouble() > 1);
    }

    [Fact]
    public void CreateListTest_SoftHsm_WorkWithAPinFileAndNeverPrintThePin()
    {
        using var hsm = new SoftHsm();
        string module = hsm.Options().ModulePath;
        string address = $"pkcs11:module={module};token=t1;key=node;pin-file={hsm.PinFile}";
        string made = Run(ExitCode.Success, "create", address, "--json");
        string listed = Run(ExitCode.Success, "list", "--module", module);
        string test = Run(ExitCode.Success, "test", address, "--count", "5", "--block-time-ms", "60000");
        string account = Text(JsonDocument.Parse(made).RootElement, "account");
        Assert.Contains(account, listed, StringComparison.Ordinal);
        Assert.Contains($"token=t1;key=node", listed, StringComparison.Ordinal);
        Assert.Contains("fast enough", test, StringComparison.Ordinal);
        Assert.Contains("leaves     never", test, StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(made).RootElement.GetProperty("exportable").GetBoolean());
        hsm.WritePin("canary-wrong-91");
        var error = Assert.Throws<RunFailedException>(() => Run(0, "test", address));
        Assert.DoesNotContain("canary", made + listed + test + error, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateListTest_KeyFileWithAPassphrase_NeedItOnlyToSign()
    {
        string secret = Path.Combine(folder, "passphrase");
        File.WriteAllText(secret, "canary-passphrase-3\n");
        Tool.SetMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        JsonElement made = RunJson(
            ExitCode.Success, "create", "file:" + Path.Combine(folder, "node.key"), "--passphrase-file", secret);
        JsonElement listed = Assert.Single(
            RunJson(ExitCode.Success, "list", "--folder", folder).GetProperty("keys").EnumerateArray());
        Assert.Equal(Text(made, "account"), Text(listed, "account"));
        string test = Run(ExitCode.Success, "test", Text(made, "signer"), "--count", "3", "--block-time-ms", "60000");
        File.WriteAllText(secret, "canary-other\n");
        var error = Assert.Throws<RunFailedException>(() => Run(0, "test", Text(made, "signer")));
        Assert.Contains("does not open the key file", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", made + test + error, StringComparison.Ordinal);
    }

    [Fact]
    public void AttestVerify_SoftHsm_IsAClaimForItsChallengeAndKeyOnly()
    {
        using var hsm = new SoftHsm();
        string address = $"pkcs11:module={hsm.Options().ModulePath};token=t1;key=node;pin-file={hsm.PinFile}";
        string account = Text(RunJson(ExitCode.Success, "create", address), "account");
        string challenge = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        string file = Path.Combine(folder, "node.attestation");
        JsonElement made = RunJson(ExitCode.Success, "attest", address, "--challenge", challenge, "--out", file);
        Assert.Equal((account, challenge, "pkcs11"), (
            Text(made, "account"), Text(made, "challenge"), Text(made, "device")));
        Assert.True(made.GetProperty("claims").GetProperty("madeInside").GetBoolean());
        Assert.Contains("SoftHSM", Text(made.GetProperty("identity"), "manufacturer"), StringComparison.Ordinal);

        JsonElement verified = RunJson(
            ExitCode.Success, "verify-attestation", file, "--challenge", challenge, "--key", account);
        Assert.Equal(("claimed", account), (Text(verified, "verdict"), Text(verified, "account")));
        string text = Run(ExitCode.Success, "verify-attestation", file, "--challenge", challenge);
        Assert.Contains("CLAIMED: the key signed it, and the device's words", text, StringComparison.Ordinal);

        string roots = Directory.CreateDirectory(Path.Combine(folder, "roots")).FullName;
        Assert.Throws<InputException>(
            () => Run(0, "verify-attestation", file, "--challenge", challenge, "--roots", roots));
        File.WriteAllText(Path.Combine(roots, "chip.pub"), new string('1', 63) + "7");
        Assert.Equal("claimed", Text(RunJson(
            ExitCode.Failure, "verify-attestation", file, "--challenge", challenge, "--roots", roots), "verdict"));
        Assert.Equal("refused", Text(RunJson(
            ExitCode.Failure, "verify-attestation", file, "--challenge", account), "verdict"));
        File.WriteAllText(file, "no attestation");
        Assert.Equal("refused", Text(RunJson(
            ExitCode.Failure, "verify-attestation", file, "--challenge", challenge), "verdict"));
        Assert.Throws<InputException>(() => Run(0, "attest", address, "--challenge", challenge, "--out", file));
        Assert.Throws<InputException>(() => Run(0, "attest", address, "--challenge", "12", "--out", file));
    }

    [Fact]
    public void Attest_KeyFile_SaysThatThereIsNone()
    {
        string address = "file:" + Path.Combine(folder, "node.key");
        Run(ExitCode.Success, "create", address);
        var error = Assert.Throws<RunFailedException>(() => Run(
            0, "attest", address, "--challenge", new string('0', 64), "--out", Path.Combine(folder, "a")));
        Assert.Contains("a key file has no attestation", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, "a")));
    }

    [Fact]
    public void Test_KeyThatCanLeaveItsToken_IsRefused()
    {
        Tool.RequirePackages("opensc", "pkcs11-tool");
        using var hsm = new SoftHsm();
        string module = hsm.Options().ModulePath;
        Tool.Run(
            "pkcs11-tool", hsm.Variables, "--module", module, "--token-label", "t1", "--login", "--pin", SoftHsm.Pin,
            "--keypairgen", "--key-type", "EC:prime256v1", "--label", "loose", "--extractable");
        var error = Assert.Throws<RunFailedException>(() => Run(
            0, "test", $"pkcs11:module={module};token=t1;key=loose;pin-file={hsm.PinFile}"));
        Assert.Contains("can leave the token", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_KeySlowerThanAFifthOfTheBlockTime_FailsTheCommand()
    {
        using var signer = new SlowSigner(TimeSpan.FromMilliseconds(60));
        SignerSpeed speed = SignerSpeed.Measure(signer, 100, signer.Time);
        Assert.Equal((60, 60), (speed.P50.TotalMilliseconds, speed.P99.TotalMilliseconds));
        Assert.Equal(1000.0 / 60, speed.PerSecond, 6);
        Assert.True(speed.IsFastEnoughFor(TimeSpan.FromMilliseconds(300)));
        Assert.False(speed.IsFastEnoughFor(TimeSpan.FromMilliseconds(299)));
        string address = "file:" + Path.Combine(folder, "node.key");
        Run(ExitCode.Success, "create", address);
        Assert.Contains(
            "TOO SLOW", Run(ExitCode.Failure, new HourTicks(), "test", address, "--block-time-ms", "1"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ImportPublic_PemAndHexadecimal_GiveTheAccount()
    {
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECPoint point = ecdsa.ExportParameters(includePrivateParameters: false).Q;
        byte[] raw = [.. point.X!, .. point.Y!];
        Assert.True(VerifyingKey.TryImport(SignatureAlgorithm.Es256, raw, out VerifyingKey? key));
        string file = Path.Combine(folder, "public");
        foreach (string text in (string[])[ecdsa.ExportSubjectPublicKeyInfoPem(), Convert.ToHexString(raw) + "\n"])
        {
            File.WriteAllText(file, text);
            JsonElement json = RunJson(ExitCode.Success, "import-public", file);
            Assert.Equal((key!.Account.ToString(), "p256"), (Text(json, "account"), Text(json, "algorithm")));
        }

        // RFC 8410 §10.1.
        File.WriteAllText(file, """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
            -----END PUBLIC KEY-----
            """);
        Assert.Equal(
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
            Text(RunJson(ExitCode.Success, "import-public", file), "publicKey"));
        Assert.Throws<InputException>(() => Run(0, "import-public", file, "--algorithm", "p256"));
    }

    [Fact]
    public void ImportPublic_PrivateOrDamagedKey_IsRefused()
    {
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string file = Path.Combine(folder, "public");
        string[] bad =
        [
            ecdsa.ExportECPrivateKeyPem(), ecdsa.ExportPkcs8PrivateKeyPem(), other.ExportSubjectPublicKeyInfoPem(), "",
            "zz", new string('1', 128), new string('0', 5000),
        ];
        foreach (string text in bad)
        {
            File.WriteAllText(file, text);
            Assert.Throws<InputException>(() => Run(0, "import-public", file));
        }
    }

    [Theory]
    [InlineData("create", "nonsense")]
    [InlineData("create", "file:/nowhere/k", "--algorithm", "rsa")]
    [InlineData("create", "file:/nowhere/k", "--algorithm", "p256")]
    [InlineData("test", "file:/nowhere/k", "--count", "0")]
    [InlineData("test", "file:/nowhere/k", "--block-time-ms", "0")]
    [InlineData("list")]
    [InlineData("list", "--folder", "/nowhere")]
    [InlineData("import-public", "/nowhere/key")]
    public void Verb_WrongInput_IsRefusedBeforeAnythingIsDone(params string[] arguments) =>
        Assert.Throws<InputException>(() => Run(0, arguments));

    [Fact]
    public void Test_KeyThatIsNotThere_FailsWithTheReason()
    {
        var error = Assert.Throws<RunFailedException>(() => Run(0, "test", "file:/nowhere/k"));
        Assert.Contains("/nowhere/k", error.Message, StringComparison.Ordinal);
    }

    private static JsonElement RunJson(int expected, params string[] arguments) =>
        JsonDocument.Parse(Run(expected, [.. arguments, "--json"])).RootElement;

    private static string Run(int expected, params string[] arguments) => Run(expected, TimeProvider.System, arguments);

    private static string Run(int expected, TimeProvider time, params string[] arguments)
    {
        using var output = new StringWriter();
        ParseResult parsed = new RootCommand { KeysCommand.Create(time) }.Parse(["keys", .. arguments]);
        Assert.Empty(parsed.Errors);
        Assert.Equal(expected, parsed.Invoke(
            new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false }));
        return output.ToString();
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? string.Empty;

    private sealed class SlowSigner(TimeSpan duration) : ISigner
    {
        private readonly Ed25519Signer inner = Ed25519Signer.FromSeed(new byte[32]);

        public Atecc608.ChipClock Time { get; } = new();

        public VerifyingKey PublicKey => inner.PublicKey;

        public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            Time.Advance(duration);
            inner.Sign(message, signature);
        }

        public void Dispose() => inner.Dispose();
    }

    // Every look at it is an hour later.
    private sealed class HourTicks : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => now += 3600;
    }
}
