using System.Text.Json.Serialization;

namespace FedIoT.Gateway.Admin;

/// <summary>How answers are written: generated at build time, camel case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(ChainStatusAnswer))]
[JsonSerializable(typeof(BlocksAnswer))]
[JsonSerializable(typeof(BlockAnswer))]
[JsonSerializable(typeof(TransactionAnswer))]
[JsonSerializable(typeof(ValidatorsAnswer))]
[JsonSerializable(typeof(PeersAnswer))]
[JsonSerializable(typeof(EvidenceAnswer))]
[JsonSerializable(typeof(TasksAnswer))]
[JsonSerializable(typeof(TaskAnswer))]
[JsonSerializable(typeof(TaskAcceptedAnswer))]
[JsonSerializable(typeof(ModelAnswer))]
[JsonSerializable(typeof(NodeKeysAnswer))]
[JsonSerializable(typeof(TransactionAcceptedAnswer))]
[JsonSerializable(typeof(LogAnswer))]
[JsonSerializable(typeof(SubmittedAnswer))]
[JsonSerializable(typeof(StationAnswer))]
[JsonSerializable(typeof(EnrolmentQuestion))]
[JsonSerializable(typeof(EnrolmentAnswer))]
[JsonSerializable(typeof(ProblemAnswer))]
internal sealed partial class AdminJson : JsonSerializerContext;
