using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FedIoT.Signing.Pkcs11;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>
/// A TPM 2.0 in software with its resource manager and a private D-Bus session, started when a test first needs it:
/// swtpm, dbus-daemon, tpm2-abrmd, then a token and a key by tpm2_ptool.
/// </summary>
public sealed class TpmMachine : IDisposable
{
    public const string KeyLabel = "node";

    private const int Port = 2321; // and the next one: the simulator's by convention
    private const string Pin = "canary-pin-88412";
    private const string Packages = "swtpm swtpm-tools tpm2-tools tpm2-abrmd libtss2-tcti-tabrmd0 libtss2-tcti-swtpm0 "
        + "libtpm2-pkcs11-1 libtpm2-pkcs11-tools dbus openssl";

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-tpm-").FullName;
    private readonly Dictionary<string, string> environment = [];
    private static int made;

    private Process? tpm;
    private Process? resourceManager;
    private int busProcess;
    // An address of this process, and ports that the system gives to nobody: taken again when the TPM starts again.
    private readonly string address = string.Create(
        CultureInfo.InvariantCulture,
        $"127.{(Environment.ProcessId >> 8 & 0x7f) + 2}.{Environment.ProcessId & 0xff}.{200 + (made++ % 50)}");
    private int created;

    private static string? ModulePath => new[] { "x86_64", "aarch64", "arm" }
        .Select(a => $"/usr/lib/{a}-linux-gnu{(a == "arm" ? "eabihf" : string.Empty)}/libtpm2_pkcs11.so.1")
        .FirstOrDefault(File.Exists);

    /// <summary>What other processes need to reach this TPM.</summary>
    public IReadOnlyDictionary<string, string> Variables => environment;

    public void Require()
    {
        Tool.RequirePackages(
            Packages, ModulePath ?? "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1", "swtpm", "tpm2-abrmd",
            "dbus-daemon", "tpm2_ptool", "tpm2_getcap", "openssl");
        if (tpm is null)
        {
            StartBus();
            StartTpm();
            MakeToken();
        }
    }

    /// <summary>Where <see cref="UnsealPin"/> puts the PIN.</summary>
    public string PinFile => Path.Combine(folder, "unsealed-pin");

    /// <summary>Seals the PIN to the present state of PCR 7, as the key ceremony has it.</summary>
    public void SealPin()
    {
        Run("tpm2_createpolicy", "--policy-pcr", "-l", "sha256:7", "-L", "pcr.policy");
        string plain = Path.Combine(folder, "plain");
        File.WriteAllText(plain, Pin);
        Run(
            "tpm2_create", "-Q", "-C", "0x81000001", "-L", "pcr.policy", "-i", "plain", "-a",
            "fixedtpm|fixedparent|noda", "-u", "pin.pub", "-r", "pin.priv");
        File.Delete(plain);
    }

    /// <summary>What the service does before the daemon starts: false, and no PIN, when the PCR is another.</summary>
    public bool UnsealPin()
    {
        File.Delete(PinFile);
        Run("tpm2_load", "-Q", "-C", "0x81000001", "-u", "pin.pub", "-r", "pin.priv", "-c", "pin.ctx");
        bool done = Tool.TryRun(
            "tpm2_unseal", environment, "-c", Path.Combine(folder, "pin.ctx"), "-p", "pcr:sha256:7", "-o", PinFile)
            .Code == 0;
        if (done)
        {
            Tool.SetMode(PinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        else
        {
            File.Delete(PinFile);
        }

        return done;
    }

    /// <summary>The address of a key, as a user types it.</summary>
    public string AddressOf(Pkcs11Options options) =>
        $"pkcs11:module={options.ModulePath};token=fediot;key={options.KeyLabel};"
        + $"pin-file={Path.Combine(folder, "pin")}";

    /// <summary>Has the TPM certify a key, as the key ceremony does; gives the folder of the files.</summary>
    public string Certify(string key)
    {
        string made = Path.Combine(folder, "certificate-" + key);
        string pinFile = Path.Combine(folder, "pin");
        File.WriteAllText(pinFile, Pin);
        Run("sh", Path.Combine(AppContext.BaseDirectory, "tpm-certify"), "fediot", key, pinFile, made);
        return made;
    }

    /// <summary>Changes PCR 7, as another boot loader would.</summary>
    public void ExtendPcr() => Run("tpm2_pcrextend", "7:sha256=" + new string('1', 64));

    public Pkcs11Options Options(string key = KeyLabel)
    {
        string pinFile = Path.Combine(folder, "pin");
        File.WriteAllText(pinFile, Pin);
        Tool.SetMode(pinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new Pkcs11Options
        {
            ModulePath = ModulePath!,
            TokenLabel = "fediot",
            KeyLabel = key,
            Pin = SecretSource.File(pinFile),
        };
    }

    public Pkcs11Options NewKey() => Options($"key-{created++}");

    public void StartTpm()
    {
        string state = Directory.CreateDirectory(Path.Combine(folder, "state")).FullName;
        tpm = Tool.Start(
            "swtpm", environment, "socket", "--tpm2", "--tpmstate", $"dir={state}",
            "--server", $"type=tcp,port={Port},bindaddr={address}",
            "--ctrl", $"type=tcp,port={Port + 1},bindaddr={address}", "--flags", "not-need-init,startup-clear");
        WaitForPort(Port + 1);
        resourceManager = Tool.Start(
            "tpm2-abrmd", environment, "--session", "--allow-root", $"--tcti=swtpm:host={address},port={Port}");
        long start = TimeProvider.System.GetTimestamp();
        while (Tool.TryRun("tpm2_getcap", environment, "properties-fixed").Code != 0)
        {
            Assert.True(
                !resourceManager.HasExited && TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(90),
                "tpm2-abrmd does not answer");
        }
    }

    public void KillTpm()
    {
        Kill(ref tpm);
        Kill(ref resourceManager);
    }

    public void Dispose()
    {
        KillTpm();
        if (busProcess != 0)
        {
            using Process bus = Process.GetProcessById(busProcess);
            bus.Kill();
        }

        Directory.Delete(folder, recursive: true);
    }

    private static void Kill(ref Process? process)
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            process.WaitForExit();
        }

        process?.Dispose();
        process = null;
    }

    private void WaitForPort(int port)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(90))
        {
            using var client = new TcpClient();
            try
            {
                client.Connect(IPAddress.Parse(address), port);
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                Thread.Yield();
            }
        }

        Assert.Fail("swtpm does not listen");
    }

    // File names among the arguments are of this machine's folder.
    private void Run(string program, params string[] arguments) => Tool.Run(
        program, environment,
        [.. arguments.Select(a => a.StartsWith("pin.", StringComparison.Ordinal) || a is "plain" or "pcr.policy"
            ? Path.Combine(folder, a) : a)]);

    private void StartBus()
    {
        string[] lines = Tool.Run(
            "dbus-daemon", environment, "--session", "--fork", "--print-address=1", "--print-pid=1")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        busProcess = int.Parse(lines[1], CultureInfo.InvariantCulture);
        Publish("DBUS_SESSION_BUS_ADDRESS", lines[0]);
        Publish("TPM2TOOLS_TCTI", "tabrmd:bus_type=session");
        Publish("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session");
        Publish("TPM2_PKCS11_STORE", Directory.CreateDirectory(Path.Combine(folder, "store")).FullName);
    }

    private void Publish(string name, string value)
    {
        environment[name] = value;
        NativeEnvironment.Set(name, value);
    }

    private void MakeToken()
    {
        Tool.Run("tpm2_ptool", environment, "init");
        Tool.Run(
            "tpm2_ptool", environment, "addtoken", "--pid=1", "--label=fediot", $"--userpin={Pin}", "--sopin=5678");
        Tool.Run(
            "tpm2_ptool", environment, "addkey", "--algorithm=ecc256", "--label=fediot", $"--userpin={Pin}",
            $"--key-label={KeyLabel}");
    }
}
