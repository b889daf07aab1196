using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>A SoftHSM2 with a token folder of its own.</summary>
internal sealed class SoftHsm : IDisposable
{
    public const string Pin = "canary-pin-73125";
    private const string ModulePath = "/usr/lib/softhsm/libsofthsm2.so";

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-softhsm-").FullName;
    private readonly Dictionary<string, string> environment;
    private int created;

    public SoftHsm()
    {
        Tool.RequirePackages("softhsm2", ModulePath, "softhsm2-util");
        string configuration = Path.Combine(folder, "softhsm2.conf");
        Directory.CreateDirectory(Tokens);
        File.WriteAllText(configuration, $"directories.tokendir = {Tokens}\nlog.level = ERROR\n");
        environment = new() { ["SOFTHSM2_CONF"] = configuration, ["XDG_STATE_HOME"] = Path.Combine(folder, "home") };
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", environment["XDG_STATE_HOME"]);
        NativeEnvironment.Set("SOFTHSM2_CONF", configuration);
        AddToken("t1");
        PinFile = Path.Combine(folder, "pin");
        WritePin(Pin);
    }

    public IReadOnlyDictionary<string, string> Variables => environment;

    public string Tokens => Path.Combine(folder, "tokens");

    public string PinFile { get; }

    public void AddToken(string label) => Tool.Run(
        "softhsm2-util", environment, "--init-token", "--free", "--label", label, "--pin", Pin, "--so-pin", "5678");

    public void WritePin(string pin)
    {
        File.WriteAllText(PinFile, pin + "\n");
        Tool.SetMode(PinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public Pkcs11Options Options(string key = "node") => new()
    {
        ModulePath = ModulePath,
        TokenLabel = "t1",
        KeyLabel = key,
        Pin = SecretSource.File(PinFile),
    };

    public Pkcs11Options NewKey(SignatureAlgorithm algorithm) =>
        Options($"key-{created++}") with { NewKeyAlgorithm = algorithm };

    public void MoveTokenAway() => Directory.Move(Tokens, Tokens + "-away");

    public void BringTokenBack()
    {
        if (Directory.Exists(Tokens))
        {
            Directory.Delete(Tokens, recursive: true);
        }

        Directory.Move(Tokens + "-away", Tokens);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
