{# What a spike does to its own neuron. #}
{% extends 'common_group.cpp' %}
{% block signature %}{{ function }}({% if vector_code|text %}const std::int32_t* neurons, std::size_t n_neurons{% else %}const std::int32_t*, std::size_t{% endif %}){% endblock %}
{% block loop %}
{% if vector_code|text %}
    for (std::size_t i_spike = 0; i_spike < n_neurons; ++i_spike) {
        const std::int32_t _idx = neurons[i_spike];
        {{ vector_code|text|indent(8) }}
    }
{% endif %}
{% endblock %}
