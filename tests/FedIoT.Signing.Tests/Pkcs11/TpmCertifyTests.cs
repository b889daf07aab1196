using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>The script that exports a TPM key's blob for its certificate, with a made-up tool: what it shows of the PIN
/// and what it leaves behind.</summary>
public sealed class TpmCertifyTests : IDisposable
{
    private const string Pin = "canary-pin-55013";
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-certify-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Export_PinOfAFile_IsOnNoCommandLine()
    {
        (int code, string output) = Run(
            """
            import glob, os, sys
            def lines():
                for path in glob.glob("/proc/[0-9]*/cmdline"):
                    try:
                        yield open(path, "rb").read()
                    except OSError:
                        pass
            pin = [a for a in sys.argv if a.startswith("--userpin=")][0].removeprefix("--userpin=")
            shown = any(pin.encode() in line for line in lines())
            open(os.path.join(os.environ["SEEN"], "seen"), "w").write(pin + " " + str(shown))
            sys.exit(3)
            """);
        Assert.True(code != 0, output); // the made-up tool exports nothing
        Assert.Equal($"{Pin} False", File.ReadAllText(Path.Combine(folder, "seen")));
    }

    [Fact]
    public void Export_InterruptedBySignal_LeavesNoBlobBehind()
    {
        (int code, string output) = Run(
            """
            import os, signal
            open("node.pem", "w").write("a blob")
            open(os.path.join(os.environ["SEEN"], "seen"), "w").close()
            os.killpg(0, signal.SIGTERM)
            """);
        Assert.True(code != 0, output);
        Assert.True(File.Exists(Path.Combine(folder, "seen")), output); // it came as far as the blob
        Assert.False(Directory.Exists(Path.Combine(folder, "made")), output);
    }

    private (int Code, string Output) Run(string tool)
    {
        Tool.RequirePackages("python3 util-linux", "python3", "setsid");
        string path = Path.Combine(folder, "tpm2_ptool");
        File.WriteAllText(path, "#!/usr/bin/python3\n" + tool + "\n");
        Tool.SetMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string pinFile = Path.Combine(folder, "pin");
        File.WriteAllText(pinFile, Pin + "\n");
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = folder + ":/usr/bin:/bin", ["SEEN"] = folder,
        };
        return Tool.TryRun(
            "setsid", environment, "--wait", "sh", Path.Combine(AppContext.BaseDirectory, "tpm-certify"), "fediot",
            "node", pinFile, Path.Combine(folder, "made"));
    }
}
