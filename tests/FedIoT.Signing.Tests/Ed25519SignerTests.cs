using System.IO.Compression;
using System.Text.Json;
using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests;

public sealed class Ed25519SignerTests : SignerContract, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-signing-").FullName;
    private int created;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    protected override bool HasAttestation => false;

    protected override ISigner CreateSigner() => Ed25519Signer.Create(Path.Combine(folder, $"key-{created++}"));

    [Fact]
    public void Open_CreatedFile_IsTheSameKey()
    {
        string path = Path.Combine(folder, "node.key");
        using Ed25519Signer made = Ed25519Signer.Create(path);
        using Ed25519Signer opened = Ed25519Signer.Open(path);
        Assert.Equal(made.PublicKey, opened.PublicKey);
        var signature = new byte[64];
        opened.Sign("m"u8, signature);
        Assert.True(made.PublicKey.Verify("m"u8, signature));
    }

    [Fact]
    public void Create_FileExists_IsRefusedAndKeepsIt()
    {
        string path = Path.Combine(folder, "node.key");
        using Ed25519Signer made = Ed25519Signer.Create(path);
        Assert.Throws<SignerException>(() => Ed25519Signer.Create(path));
        using Ed25519Signer opened = Ed25519Signer.Open(path);
        Assert.Equal(made.PublicKey, opened.PublicKey);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void Open_FileOpenToOthers_IsRefusedWithTheCommandToType(UnixFileMode extra)
    {
        string path = Path.Combine(folder, "node.key");
        Ed25519Signer.Create(path).Dispose();
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("File modes exist on Unix.");
            return;
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | extra);
        var error = Assert.Throws<SignerException>(() => Ed25519Signer.Open(path));
        Assert.Contains($"chmod 600 {path}", error.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        Ed25519Signer.Open(path).Dispose();
    }

    [Fact]
    public void Open_MissingShortLongOrOtherFile_IsRefusedByName()
    {
        string path = Path.Combine(folder, "node.key");
        var missing = Assert.Throws<SignerException>(() => Ed25519Signer.Open(path));
        Assert.Contains(path, missing.Message, StringComparison.Ordinal);
        Ed25519Signer.Create(path).Dispose();
        byte[] good = File.ReadAllBytes(path);
        foreach (byte[] bad in (byte[][])[[], good[..^1], [.. good, 0], [.. "FIOTXXXX"u8, .. good[8..]]])
        {
            File.WriteAllBytes(path, bad); // keeps the mode
            var error = Assert.Throws<SignerException>(() => Ed25519Signer.Open(path));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void FromSeed_AnotherLength_IsACallersError() =>
        Assert.Throws<ArgumentException>(() => Ed25519Signer.FromSeed(new byte[31]));

    // RFC 8032 §7.1, tests 1, 2, 3.
    [Theory]
    [InlineData(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Sign_PublishedVector_GivesItsBytes(string seed, string publicKey, string message, string expected)
    {
        using Ed25519Signer signer = Ed25519Signer.FromSeed(Convert.FromHexString(seed));
        var signature = new byte[64];
        signer.Sign(Convert.FromHexString(message), signature);
        Assert.Equal(publicKey, Convert.ToHexStringLower(signer.PublicKey.Bytes));
        Assert.Equal(expected, Convert.ToHexStringLower(signature));
    }

    [Fact]
    public void Verify_EveryWycheproofVector_AgreesWithItsResult()
    {
        string? file = FindVectors();
        Assert.SkipWhen(file is null, "The published vectors (shared/data/vectors) are not on this machine.");
        using var stream = new GZipStream(File.OpenRead(file!), CompressionMode.Decompress);
        using JsonDocument document = JsonDocument.Parse(stream);
        int valid = 0;
        int invalid = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            byte[] raw = Hex(group.GetProperty("publicKey"), "pk");
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                bool expected = test.GetProperty("result").GetString() == "valid";
                bool accepted = VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, raw, out VerifyingKey? key)
                    && key!.Verify(Hex(test, "msg"), Hex(test, "sig"));
                Assert.True(expected == accepted, $"tcId {test.GetProperty("tcId").GetInt32()}");
                valid += expected ? 1 : 0;
                invalid += expected ? 0 : 1;
            }
        }

        Assert.Equal(document.RootElement.GetProperty("numberOfTests").GetInt32(), valid + invalid);
        Assert.True(valid > 50 && invalid > 50);
    }

    private static byte[] Hex(JsonElement element, string name) =>
        Convert.FromHexString(element.GetProperty(name).GetString()!);

    private static string? FindVectors()
    {
        IEnumerable<string> roots = Environment.GetEnvironmentVariable("FEDIOT_DATA") is { } data ? [data] : [];
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            roots = roots.Append(Path.Combine(at.FullName, "shared", "data"));
        }

        return roots.Select(r => Path.Combine(r, "vectors", "wycheproof"))
            .Where(Directory.Exists)
            .SelectMany(f => Directory.GetFiles(f, "*ed25519*.json.gz"))
            .FirstOrDefault();
    }
}
