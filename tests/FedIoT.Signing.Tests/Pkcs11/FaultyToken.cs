using System.Globalization;
using FedIoT.Signing.Pkcs11;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>A SoftHSM2 behind a module of its own that answers nonsense on demand (faulty-token.c).</summary>
internal sealed class FaultyToken : IDisposable
{
    private static readonly Lock Building = new();

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-faulty-").FullName;
    private readonly string control;

    public FaultyToken()
    {
        Tool.RequirePackages("gcc libc6-dev", "gcc", "/usr/include/dlfcn.h");
        Hsm = new SoftHsm();
        control = Path.Combine(folder, "faults");
        NativeEnvironment.Set("FAULTY_TOKEN", control);
        ModulePath = Path.Combine(AppContext.BaseDirectory, "faulty-token.so");
        lock (Building)
        {
            string source = Path.Combine(AppContext.BaseDirectory, "Pkcs11", "faulty-token.c");
            if (!File.Exists(ModulePath) || File.GetLastWriteTimeUtc(ModulePath) < File.GetLastWriteTimeUtc(source))
            {
                string made = Path.Combine(folder, "module.so");
                Tool.Run(
                    "gcc", new Dictionary<string, string>(), "-shared", "-fPIC", "-w", "-std=gnu11", "-o", made,
                    source, "-ldl");
                File.Move(made, ModulePath, overwrite: true);
            }
        }
    }

    public SoftHsm Hsm { get; }

    public string ModulePath { get; }

    public IReadOnlyDictionary<string, string> Variables =>
        new Dictionary<string, string>(Hsm.Variables) { ["FAULTY_TOKEN"] = control };

    /// <summary>PINs that reached the token.</summary>
    public long Logins => File.Exists(control + ".logins") ? new FileInfo(control + ".logins").Length : 0;

    public Pkcs11Options Options(string key = "node") => Hsm.Options(key) with { ModulePath = ModulePath };

    /// <summary>Faults from now on; none heals it.</summary>
    public void Set(params (string Name, ulong Value)[] faults) => File.WriteAllLines(
        control, faults.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Name} {f.Value}")));

    public void Dispose()
    {
        Hsm.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
