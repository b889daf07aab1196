using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FedIoT.Station.Tests.Files;

/// <summary>
/// The Debian package as hardware/provisioning/package makes it, around a stand-in for the program: what it holds, and
/// what the system's own tools say to its unit, users, folders and rules.
/// </summary>
public sealed class PackageTests : IDisposable
{
    private static readonly string Provisioning = Path.Combine(Sources.Hardware, "provisioning");
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-package-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Table_OfThePage_IsTheListThatThePackageIsMadeFrom()
    {
        string[] table = [.. Sources.Table(Path.Combine(Provisioning, "README.md"), "file")
            .Select(r => $"{r[0].Trim('`')} {r[1].Trim('`')} {r[2]}")];
        Assert.Equal(Listed(), table);
        Assert.All(Listed(), l => Assert.True(File.Exists(Path.Combine(Provisioning, l.Split(' ')[0])), l));
        string[] lonely = [.. Directory.GetFiles(Provisioning).Select(f => Path.GetFileName(f)!)
            .Except(Listed().Select(l => l.Split(' ')[0])).Except(["package", "install.txt"])];
        Assert.Empty(lonely);
    }

    [Fact]
    public void Package_Made_HoldsEveryFileAtItsPlaceWithItsMode()
    {
        string package = Make();
        string held = Run("dpkg-deb", "--contents", package);
        Assert.All(Listed().Select(l => l.Split(' ')), l => Assert.Matches(
            $@"(?m)^{ModeText(l[2])} root/root +\d+ .* \.{Regex.Escape(l[1])}$", held));
        Assert.Contains("./usr/bin/fediot -> ../lib/fediot/fediot", held, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^-rwxr-xr-x root/root .* \./usr/lib/fediot/fediot$", held);
        string control = Run("dpkg-deb", "--info", package);
        Assert.Contains("Architecture: amd64", control, StringComparison.Ordinal);
        Assert.Matches(@"Version: \d+\.\d+\.\d+", control);
        Assert.DoesNotContain("@", control.Replace("fediot@", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Package_Unpacked_MakesUserGroupsAndTheFolderOfTheUnit()
    {
        string root = Unpack();
        Directory.CreateDirectory(Path.Combine(root, "etc"));
        Require("systemd-sysusers", "systemd");
        Run("systemd-sysusers", "--root=" + root);
        Assert.Matches(
            "(?m)^fediot:.*:/var/lib/fediot:.*nologin$", File.ReadAllText(Path.Combine(root, "etc", "passwd")));
        string groups = File.ReadAllText(Path.Combine(root, "etc", "group"));
        string unit = File.ReadAllText(Path.Combine(root, "usr/lib/systemd/system/fediot.service"));
        string[] supplementary = Value(unit, "SupplementaryGroups").Split(' ');
        Assert.All(supplementary, g => Assert.Matches($"(?m)^{g}:x:.*:fediot$", groups));
        string rules = File.ReadAllText(Path.Combine(root, "usr/lib/udev/rules.d/60-fediot.rules"));
        Assert.All(
            Regex.Matches(rules, "GROUP=\"([^\"]+)\"", RegexOptions.None, TimeSpan.FromSeconds(1)),
            g => Assert.Contains(g.Groups[1].Value, supplementary.Append(Value(unit, "Group"))));
        Assert.Contains("d /var/lib/" + Value(unit, "StateDirectory"),
            File.ReadAllText(Path.Combine(root, "usr/lib/tmpfiles.d/fediot.conf")), StringComparison.Ordinal);
        Assert.Equal(
            $"/usr/bin/fediot run --config {Value(unit, "ConditionPathExists")}", Value(unit, "ExecStart"));
    }

    [Fact]
    public void Unit_VerifiedBySystemd_HasNothingToSayAndALowExposure()
    {
        Require("systemd-analyze", "systemd");
        string unit = Path.Combine(folder, "fediot.service");
        File.WriteAllText(unit, File.ReadAllText(Path.Combine(Provisioning, "fediot.service"))
            .Replace("/usr/bin/fediot", "/bin/true", StringComparison.Ordinal)); // the program is not installed here
        Assert.Equal(string.Empty, Run("systemd-analyze", "verify", "--man=no", unit));
        Assert.Matches( // 2.0 of 10, as the tool counts
            @"Overall exposure level for fediot\.service: [01]\.\d",
            Run("systemd-analyze", "security", "--no-pager", "--offline=true", unit));
        File.AppendAllText(unit, "\n[Service]\nProtectSystm=strict\n");
        Assert.Contains("ProtectSystm", Run("systemd-analyze", "verify", "--man=no", unit), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_EveryLine_IsMadeOfMatchesAndAssignmentsThatUdevKnows()
    {
        string file = Path.Combine(Provisioning, "60-fediot.rules");
        string[] rules = [.. File.ReadLines(file).Where(l => l.Length > 0 && l[0] != '#')];
        const string Part = "(SUBSYSTEM|KERNEL|ATTR\\{[a-zA-Z]+\\})==\"[^\"]+\"|(GROUP|MODE)=\"[^\"]+\"";
        Assert.NotEmpty(rules);
        Assert.All(rules, r => Assert.Matches($"^({Part})(, ({Part}))*$", r));
        Assert.All(rules, r => Assert.Contains("SUBSYSTEM==", r, StringComparison.Ordinal));
        Assert.All(rules, r => Assert.EndsWith("MODE=\"0660\"", r, StringComparison.Ordinal));
        Require("udevadm", "udev");
        if (Run("udevadm", "--help").Contains("verify", StringComparison.Ordinal))
        {
            Assert.Contains("Success: 1", Run("udevadm", "verify", "--no-summary", file), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--arch", "riscv", "'riscv'; expected arm64 or amd64")]
    [InlineData("--speed", "1", "'--speed' is unknown")]
    [InlineData("--binaries", "/nowhere", "there is no fediot in /nowhere")]
    public void Package_WrongArguments_AreNamed(string option, string value, string expected) =>
        Assert.Contains(expected, Run("bash", Script, option, value), StringComparison.Ordinal);

    private static string Script => Path.Combine(Provisioning, "package");

    private static string[] Listed() => [.. File.ReadLines(Path.Combine(Provisioning, "install.txt"))
        .Where(l => l.Length > 0 && l[0] != '#')];

    private static string ModeText(string mode) => mode == "0755" ? "-rwxr-xr-x" : "-rw-r--r--";

    private static string Value(string unit, string key) => unit.Split('\n')
        .Single(l => l.StartsWith(key + "=", StringComparison.Ordinal))[(key.Length + 1)..];

    private string Make()
    {
        Require("dpkg-deb", "dpkg");
        string program = Directory.CreateDirectory(Path.Combine(folder, "program")).FullName;
        File.WriteAllText(Path.Combine(program, "fediot"), "#!/bin/sh\n");
        return Run("bash", Script, "--arch", "amd64", "--out", folder, "--binaries", program).Trim();
    }

    private string Unpack()
    {
        string root = Path.Combine(folder, "root");
        Run("dpkg-deb", "--extract", Make(), root);
        return root;
    }

    private static void Require(string program, string package) => Assert.SkipUnless(
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':')
            .Any(p => File.Exists(Path.Combine(p, program))),
        $"{program} is not here; it is in the Debian package {package}");

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + error.Result;
    }
}
