{# A member function of a group of neurons. The blocks of the derived templates say what it loops over. #}
{% macro body() %}
void {{ owner.name }}::{% block signature %}{% endblock %} {
{% set pointers = keep_used(pointers_lines, scalar_code, vector_code) %}
{% if pointers %}
    {{ pointers|indent }}
{% endif %}
{% if scalar_code|text %}
    {{ scalar_code|text|indent }}
{% endif %}
{% block loop %}
{% endblock %}
}
{% endmacro %}

{% macro support() %}
{{ support_code_lines|text }}
{{ hashdefine_lines|text }}
{% endmacro %}
