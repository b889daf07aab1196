public class UsesAsyncPublish { public static object Send(nanoFramework.M2Mqtt.MqttClient c) { return c.PublishAsync("t"); } }
