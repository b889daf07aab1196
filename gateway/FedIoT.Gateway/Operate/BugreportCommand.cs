using System.CommandLine;
using System.Formats.Tar;
using System.IO.Compression;
using FedIoT.Gateway.Cli;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot bugreport</c>: one archive for whoever helps, without secrets.</summary>
internal static class BugreportCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static Command Create(TimeProvider time)
    {
        Option<string> config = ConfigurationOption.Create();
        var output = new Option<string>("--out")
        {
            Description = "Archive to write; an existing file is refused",
            HelpName = "FILE",
            DefaultValueFactory = _ => "fediot-bugreport.tar.gz",
        };
        var command = new Command(
            "bugreport",
            """
            Writes a tar.gz with what helps to find a fault: version, configuration, status, log, chain heads, files.

            It never holds keys, PINs, passwords or recorded data; its README.txt says what it holds. Works whether the
            gateway runs or not.

            Example:
              fediot bugreport --out report.tar.gz
            """)
        {
            config, output, VerbAnswer.Json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string path = parsed.GetRequiredValue(output);
            if (File.Exists(path))
            {
                throw new InputException($"{path} is there already; choose another name with --out FILE");
            }

            var report = new Bugreport(ConfigurationOption.Find(parsed.GetValue(config)));
            await report.CollectAsync(cancellation).ConfigureAwait(false);
            DurableFile.Replace(path, Pack(report.Entries, time.GetUtcNow()), ownerOnly: true);
            await VerbAnswer.WriteAsync(
                parsed, "bugreport",
                $"{path}: {report.Entries.Count} entries, no secrets; README.txt in it says what they are",
                new("path", path), new("entries", report.Entries.Count)).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    private static byte[] Pack(IReadOnlyDictionary<string, byte[]> entries, DateTimeOffset now)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        using (var tar = new TarWriter(gzip, TarEntryFormat.Pax))
        {
            foreach ((string name, byte[] content) in entries)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"fediot-bugreport/{name}")
                {
                    DataStream = new MemoryStream(content), Mode = OwnerOnly, ModificationTime = now,
                });
            }
        }

        return packed.ToArray();
    }
}
