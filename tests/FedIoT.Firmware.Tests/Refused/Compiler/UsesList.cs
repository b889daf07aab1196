public class UsesList { private System.Collections.Generic.List<int> values; }
