namespace FedIoT.Gateway.Demo;

/// <summary>How well the final model does on one device's evaluation windows.</summary>
/// <param name="Device">Device id.</param>
/// <param name="Windows">Evaluation windows.</param>
/// <param name="Accuracy">Share that the exported int8 model gets right.</param>
public sealed record DeviceAccuracy(string Device, int Windows, double Accuracy);
