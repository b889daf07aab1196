namespace FedIoT.Display;

/// <summary>What the sensor of the case measured.</summary>
/// <param name="Celsius">Temperature in degrees Celsius; null when it was not measured.</param>
/// <param name="HumidityPercent">Relative humidity; null when it was not measured.</param>
/// <param name="Hectopascals">Pressure; null when it was not measured.</param>
public sealed record ClimateReading(double? Celsius, double? HumidityPercent, double? Hectopascals);
