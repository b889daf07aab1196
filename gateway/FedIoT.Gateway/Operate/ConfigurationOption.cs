using System.CommandLine;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>The option <c>--config</c> and where a configuration is looked for without it.</summary>
internal static class ConfigurationOption
{
    /// <summary>Where the package's service has it: in the one folder that changes.</summary>
    public const string SystemFile = "/var/lib/fediot/gateway.toml";

    private const string LocalFile = "gateway.toml";

    public static Option<string> Create() => new("--config")
    {
        Description = $"Configuration; without it {LocalFile} of this folder, then {SystemFile}",
        HelpName = "FILE",
    };

    /// <summary>The file to read.</summary>
    /// <exception cref="InputException">None was given and none is in the usual places.</exception>
    public static string Find(string? given)
    {
        if (given is not null)
        {
            return given;
        }

        return File.Exists(LocalFile) ? LocalFile
            : File.Exists(SystemFile) ? SystemFile
            : throw new InputException(
                $"there is neither {LocalFile} here nor a {SystemFile} that this user may see; name one with --config "
                + "FILE, ask the installed gateway as its user (sudo -u fediot fediot ...), or make one with "
                + "'fediot init --folder DIR'");
    }
}
