using System.CommandLine;
using System.Security.Cryptography;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Operate;

/// <summary>The verb <c>fediot tasks model</c>: what the chain has learnt, as a file for ONNX Runtime.</summary>
internal static class ModelCommand
{
    public static Command Create()
    {
        var key = new Argument<string>("TASK") { Description = "Id or name" };
        var file = new Option<string>("--out")
        {
            Description = "Where the ONNX file goes; one that is there is replaced",
            HelpName = "FILE",
            Required = true,
        };
        var verb = new AdminVerb(HelpText.Verb(
            "model", "Writes the newest model of a task as a quantized ONNX file",
            "fediot tasks model pumps --out pumps.onnx", key, file));
        verb.Command.SetAction(async (parsed, cancellation) =>
        {
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.GetAsync(
                $"v1/tasks/{Uri.EscapeDataString(parsed.GetRequiredValue(key))}/model", cancellation)
                .ConfigureAwait(false);
            ModelAnswer model = AdminClient.Read(answer, AdminJson.Default.ModelAnswer);
            string path = parsed.GetRequiredValue(file);
            DurableFile.Replace(path, Decode(model));
            await verb.PrintAsync(
                parsed, answer, () => TextTable.Pairs(
                    ("file", path), ("model", $"v{model.Version} of {model.Name}, round {model.Round}"),
                    ("deltas", $"{model.Deltas}"), ("hash", model.Hash), ("sha-256", model.FileHash)))
                .ConfigureAwait(false);
            return ExitCode.Success;
        });
        return verb.Command;
    }

    private static byte[] Decode(ModelAnswer model)
    {
        var bytes = new byte[model.File.Length];
        return Convert.TryFromBase64String(model.File, bytes, out int length)
            && Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, length))) == model.FileHash
            ? bytes[..length]
            : throw new RunFailedException("the gateway's answer holds no whole model; ask again");
    }
}
